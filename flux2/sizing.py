"""Output sizes: aspect ratio, megapixels, multiples of 16, pixel caps. Arithmetic only; torch-free."""

from __future__ import annotations

import math
import re

from flux2.errors import InvalidRequest
from flux2.models import MEGAPIXEL, Model

MULTIPLE = 16
"""VAE factor 8 times 2x2 patches: a side is a whole number of 16-pixel tokens."""

ASPECTS: dict[str, tuple[int, int]] = {
    "1:1": (1, 1),
    "16:9": (16, 9),
    "9:16": (9, 16),
    "4:3": (4, 3),
    "3:4": (3, 4),
    "3:2": (3, 2),
    "2:3": (2, 3),
}
MATCH = "match"
"""The aspect name that takes the shape of the first reference image."""
MEGAPIXELS = ("0.5", "1", "2", "4")
_EXPLICIT = re.compile(r"^\s*(\d{1,6})\s*[xX×*]\s*(\d{1,6})\s*$")


def snap(side: float) -> int:
    """Round a side to the nearest multiple of 16, at least 16."""
    return max(MULTIPLE, MULTIPLE * round(side / MULTIPLE))


def fit(ratio: float, pixels: int) -> tuple[int, int]:
    """Return (width, height) in multiples of 16, never above `pixels`, nearest to width/height = `ratio`."""
    widths, heights = _around(math.sqrt(pixels * ratio)), _around(math.sqrt(pixels / ratio))
    fitting = [(width, height) for width in widths for height in heights if width * height <= pixels]

    def misfit(size: tuple[int, int]) -> float:
        # A wrong shape is seen sooner than a missing pixel, so area counts half.
        shape = abs(math.log(size[0] / size[1] / ratio))
        return shape + math.log(pixels / (size[0] * size[1])) / 2

    return min(fitting, key=misfit, default=(MULTIPLE, MULTIPLE))


def _around(side: float) -> list[int]:
    below = int(side / MULTIPLE) * MULTIPLE
    return sorted({max(MULTIPLE, below + offset) for offset in (-MULTIPLE, 0, MULTIPLE)})


def settle(
    model: Model, aspect: str | None, size: str | None, first_reference: tuple[int, int] | None
) -> tuple[int, int, str | None]:
    """Return (width, height, note): the true output size, and a sentence if it differs from what was asked.

    `aspect` is a key of ASPECTS or "match"; `size` is megapixels or "WxH". An explicit WxH decides alone; together
    with an aspect that contradicts it, the request is refused. Without an aspect, the first reference's shape is kept.
    Raises InvalidRequest.
    """
    explicit = _EXPLICIT.match(size) if size else None
    if explicit:
        if aspect:
            raise InvalidRequest("Give either an aspect or a WxH size, not both.")
        return _snap_explicit(model, int(explicit[1]), int(explicit[2]))
    pixels = _pixels(model, size)
    if aspect == MATCH and first_reference is None:
        raise InvalidRequest("Aspect “match” needs a reference image; attach one or choose an aspect such as 16:9.")
    if aspect in (None, MATCH):
        width, height = first_reference or (1, 1)
        ratio = width / height
        if not 1 / 8 <= ratio <= 8:
            raise InvalidRequest(
                f"The first image is {width}x{height}; choose an aspect, since more than 8:1 is too long."
            )
        return *fit(ratio, pixels), None
    if aspect not in ASPECTS:
        raise InvalidRequest(f"Aspect “{aspect}” is not known; choose one of {', '.join(ASPECTS)} or match.")
    across, down = ASPECTS[aspect]
    return *fit(across / down, pixels), None


def _pixels(model: Model, size: str | None) -> int:
    if size is None:
        return model.default_pixels
    if size.strip() not in MEGAPIXELS:
        raise InvalidRequest(
            f"Size “{size}” is not understood; use {', '.join(MEGAPIXELS)} (megapixels) or WxH such as 1024x768."
        )
    pixels = int(float(size) * MEGAPIXEL)
    if pixels > model.max_pixels:
        limit = model.max_pixels / MEGAPIXEL
        raise InvalidRequest(f"{model.name} draws at most {limit:g} megapixels; choose a smaller size.")
    return pixels


def _snap_explicit(model: Model, width: int, height: int) -> tuple[int, int, str | None]:
    for side in (width, height):
        if not model.min_side <= side <= model.max_side:
            raise InvalidRequest(
                f"{width}x{height} is out of range; "
                f"each side of {model.name} is {model.min_side} to {model.max_side} pixels."
            )
    true = snap(width), snap(height)
    if true[0] * true[1] > model.max_pixels:
        limit = model.max_pixels / MEGAPIXEL
        raise InvalidRequest(
            f"{width}x{height} is more than the {limit:g} megapixels {model.name} draws; choose a smaller size."
        )
    note = (
        None
        if true == (width, height)
        else f"Size {width}x{height} became {true[0]}x{true[1]} (multiples of {MULTIPLE})."
    )
    return *true, note
