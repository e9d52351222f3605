"""Output sizes: aspect ratio, megapixels, multiples of 16, pixel caps. Arithmetic only; torch-free."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from flux2.errors import InvalidRequest
from flux2.language import _, ngettext
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
_MATCH = re.compile(rf"^{MATCH}(?:[: ](\d{{1,2}}))?$")
_UNIT = re.compile(r"\s*(?:mp|megapixels?)$", re.I)
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
    model: Model, aspect: str | None, size: str | None, references: Sequence[tuple[int, int]] = ()
) -> tuple[int, int, str | None]:
    """Return (width, height, note): the true output size, and a sentence if it differs from what was asked.

    `aspect` is a key of ASPECTS, "match" or "match:2" for the shape of the second of the `references`, which are
    (width, height); `size` is megapixels or "WxH". An explicit WxH decides alone; together with an aspect that
    contradicts it, the request is refused. Without an aspect, the first reference's shape is kept.
    Raises InvalidRequest.
    """
    explicit = _EXPLICIT.match(size) if size else None
    if explicit:
        if aspect:
            raise InvalidRequest(_("Give either an aspect or a WxH size, not both."))
        return _snap_explicit(model, int(explicit[1]), int(explicit[2]))
    pixels = _pixels(model, size)
    if aspect in ASPECTS:
        across, down = ASPECTS[aspect]
        return *fit(across / down, pixels), None
    matched = _MATCH.match(aspect) if aspect else None
    if aspect and matched is None:
        raise InvalidRequest(
            _("Aspect “{aspect}” is not known; choose one of {known} or match.").format(
                aspect=aspect, known=", ".join(ASPECTS)
            )
        )
    if matched is None and not references:
        return *fit(1, pixels), None
    width, height = _matched(references, int(matched[1] or 1) if matched else 1)
    return *fit(width / height, pixels), None


def own(model: Model, width: int, height: int) -> tuple[int, int]:
    """Return a picture's own size where `model` draws that many pixels, else the largest of its shape.

    Larger than an explicit size may be, which is bounded side by side.
    """
    true = snap(width), snap(height)
    return true if true[0] * true[1] <= model.max_pixels else fit(width / height, model.max_pixels)


def _matched(references: Sequence[tuple[int, int]], number: int) -> tuple[int, int]:
    if not references:
        raise InvalidRequest(_("Aspect “match” needs a reference image; attach one or choose an aspect such as 16:9."))
    if not 1 <= number <= len(references):
        raise InvalidRequest(
            ngettext(
                "Aspect “match:{number}” has no image to match: there is only image 1.",
                "Aspect “match:{number}” has no image to match: there are images 1 to {count}.",
                len(references),
            ).format(number=number, count=len(references))
        )
    width, height = references[number - 1]
    if not 1 / 8 <= width / height <= 8:
        said = _("The {number}. image is {width}x{height}; choose an aspect, since more than 8:1 is too long.")
        if number == 1:
            said = _("The first image is {width}x{height}; choose an aspect, since more than 8:1 is too long.")
        raise InvalidRequest(said.format(number=number, width=width, height=height))
    return width, height


def shape_note(aspect: str | None, size: str | None, references: int) -> str | None:
    """Say which of several reference images decides the shape, if one does; the arguments are those `settle` took."""
    if references < 2 or aspect in ASPECTS or (size and _EXPLICIT.match(size)):
        return None
    matched = _MATCH.match(aspect) if aspect else None
    return _("Image {number} decides the shape.").format(number=int(matched[1] or 1) if matched else 1)


def is_drawable(model: Model, width: int, height: int) -> bool:
    """Whether `model` takes this explicit size."""
    within = all(model.min_side <= side <= model.max_side for side in (width, height))
    return within and snap(width) * snap(height) <= model.max_pixels


def _pixels(model: Model, size: str | None) -> int:
    if size is None:
        return model.default_pixels
    size = _UNIT.sub("", size.strip())
    if size not in MEGAPIXELS:
        raise InvalidRequest(
            _("Size “{size}” is not understood; use {known} (megapixels) or WxH such as 1024x768.").format(
                size=size, known=", ".join(MEGAPIXELS)
            )
        )
    pixels = int(float(size) * MEGAPIXEL)
    if pixels > model.max_pixels:
        limit = model.max_pixels / MEGAPIXEL
        raise InvalidRequest(
            _("{model} draws at most {limit:g} megapixels; choose a smaller size.").format(
                model=model.name, limit=limit
            )
        )
    return pixels


def _snap_explicit(model: Model, width: int, height: int) -> tuple[int, int, str | None]:
    for side in (width, height):
        if not model.min_side <= side <= model.max_side:
            raise InvalidRequest(
                _("{width}x{height} is out of range; each side of {model} is {low} to {high} pixels.").format(
                    width=width, height=height, model=model.name, low=model.min_side, high=model.max_side
                )
            )
    true = snap(width), snap(height)
    if true[0] * true[1] > model.max_pixels:
        limit = model.max_pixels / MEGAPIXEL
        raise InvalidRequest(
            _("{width}x{height} is more than the {limit:g} megapixels {model} draws; choose a smaller size.").format(
                width=width, height=height, limit=limit, model=model.name
            )
        )
    if true == (width, height):
        return *true, None
    note = _("Size {asked} became {true} (multiples of {multiple}).")
    return *true, note.format(asked=f"{width}x{height}", true=f"{true[0]}x{true[1]}", multiple=MULTIPLE)
