"""Levels of noise, before and after the pipelines' scheduler shifts every schedule towards more of it.

A quarter of the steps may be half the noise. An upscale asks for a level, so the shift is undone first; a picture
that is drawn anew asks for a share of the steps, and has to know how much noise that is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch


def shifted(sigma: float, steps: int, tokens: int) -> float:
    """Return the share of noise that the shift makes of `sigma`, above 0 and at most 1, for `tokens` tokens."""
    return 1 / (1 + math.exp(-_mu(tokens, steps)) * (1 / sigma - 1))


def unshifted(level: float, steps: int, mu: float) -> list[float]:
    """Return the `steps` sigmas, falling to level/steps, that a shift by `mu` turns into a schedule from `level`.

    `level` is the share of noise, above 0 and at most 1. At 1 it is the pipelines' own schedule.
    """
    first = 1 / (1 + math.exp(mu) * (1 / level - 1))
    return [float(sigma) for sigma in np.linspace(first, first / steps, steps)]


def start(scheduler: Any, level: float, steps: int, tokens: int, device: str | torch.device) -> torch.Tensor:
    """Set `scheduler` to `steps` steps from `level` for a picture of `tokens` tokens and return its timesteps.

    `tokens` are those of one tile: that is the picture the transformer sees.
    """
    mu = _mu(tokens, steps)
    scheduler.set_timesteps(sigmas=unshifted(level, steps, mu), device=device, mu=mu)
    scheduler.set_begin_index(0)
    timesteps = scheduler.timesteps
    assert isinstance(timesteps, torch.Tensor)
    return timesteps


def _mu(tokens: int, steps: int) -> float:
    from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu

    return float(compute_empirical_mu(image_seq_len=tokens, num_steps=steps))
