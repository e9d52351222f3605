"""What a latent of the sample model is: a picture reduced four times, 48 live channels per 16-pixel token.

The VAE is taught to agree with this, so the transformer trains without it. Declines to know scenes.
"""

from __future__ import annotations

import torch
from torch.nn import functional

TOKEN = 16
"""Pixels per token side."""
REDUCTION = 4
CHANNELS = 128
"""Channels of a token: 32 latent channels, 2 x 2 patches."""
LIVE = 48
"""Channels in use: 3 colours x 4 x 4 places. The rest stay zero: they would only carry noise to be predicted."""
LATENT_CHANNELS, LATENT_LIVE = CHANNELS // 4, LIVE // 4
SCALE = 0.75
"""Standard deviation of every channel, in the VAE's normalisation."""


def reduced(rows: int, columns: int) -> tuple[int, int]:
    """(height, width) of the reduced picture of a grid of tokens."""
    return rows * TOKEN // REDUCTION, columns * TOKEN // REDUCTION


def tokens_of(small: torch.Tensor) -> torch.Tensor:
    """Reduced pictures (n, 3, 4 rows, 4 columns), -1..1, as normalised tokens (n, rows * columns, 128)."""
    z = functional.pixel_unshuffle(functional.pixel_unshuffle(small, 2) / SCALE, 2)
    return functional.pad(z, (0, 0, 0, 0, 0, CHANNELS - LIVE)).flatten(2).transpose(1, 2)


def small_of(tokens: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """The inverse of `tokens_of`."""
    z = tokens.transpose(1, 2).reshape(len(tokens), -1, rows, columns)[:, :LIVE]
    return functional.pixel_shuffle(functional.pixel_shuffle(z, 2), 2) * SCALE


def image_ids(order: int, rows: int, columns: int) -> torch.Tensor:
    """Position ids of a picture's tokens; `order` 0 is the target, 1 and up the references, as in the pipeline."""
    t = torch.tensor([10 * order])
    return torch.cartesian_prod(t, torch.arange(rows), torch.arange(columns), torch.arange(1))


def text_ids(positions: torch.Tensor) -> torch.Tensor:
    """Position ids of text tokens at `positions`."""
    ids = torch.zeros(len(positions), 4, dtype=torch.long)
    ids[:, 3] = positions
    return ids
