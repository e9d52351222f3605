"""The same picture: made small again, the result is what it came from, colours first.

A model that draws detail also shifts colours and moves edges by a little, each tile by its own. What the source shows
is known, so it is put back: the result is reduced as a camera would, by averages, compared with the source, and the
difference added. Only what is finer than the source is the model's. No pixel leaves the range between what the model
drew and what plain enlarging shows there: where a soft edge of the source meets a sharp one, there would be echoes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flux2.upscaling.request import DEFAULT_CREATIVITY

_PASSES = 2
"""One pass leaves a few per cent of the difference, since enlarging and reducing do not quite undo each other."""
_LEAST_FACTOR = 2
"""Less enlarged than this, the source is compared at a smaller size: something must be left to the model."""


def strength(creativity: float) -> float:
    """How much of the difference is made up for: all up to the default creativity, nothing at 1, where all is free."""
    return min(1.0, (1 - creativity) / (1 - DEFAULT_CREATIVITY))


def match(pixels: NDArray[np.float32], source: Image.Image, strength: float) -> Image.Image:
    """Return `pixels`, (height, width, 3) of 0 to 255, as a picture that looks like `source` when reduced.

    `strength` is 0 to 1. `pixels` is used up.
    """
    height, width, _ = pixels.shape
    size = min(source.width, -(-width // _LEAST_FACTOR)), min(source.height, -(-height // _LEAST_FACTOR))
    truth = source if size == source.size else source.resize(size, Image.Resampling.LANCZOS)
    for channel, wanted in enumerate(truth.split()) if strength > 0 else ():
        drawn = pixels[:, :, channel].copy()
        asked = np.asarray(wanted, np.float32)
        for _ in range(_PASSES):
            found = np.asarray(_plane(pixels[:, :, channel]).resize(size, Image.Resampling.BOX))
            missing = _plane((asked - found) * np.float32(strength))
            pixels[:, :, channel] += np.asarray(missing.resize((width, height), Image.Resampling.LANCZOS))
        plain = np.asarray(source.getchannel(channel).resize((width, height), Image.Resampling.LANCZOS), np.float32)
        np.clip(pixels[:, :, channel], np.minimum(drawn, plain), np.maximum(drawn, plain), out=pixels[:, :, channel])
    np.clip(pixels, 0, 255, out=pixels)
    np.rint(pixels, out=pixels)
    return Image.fromarray(pixels.astype(np.uint8))


def _plane(values: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(values))
