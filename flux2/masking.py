"""The part of a picture that is drawn anew, and the way back: what lies outside the mask keeps every pixel.

Owns masks as pictures, the window that is drawn, and the paste. White is changed, black and transparent stay; what
marks a copy of the picture itself is read by flux2/scribble.py.
Declines to know how the model fills the hole (flux2/inpainting.py). Torch-free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageChops, ImageFilter, ImageStat

from flux2 import images, region, scribble
from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.region import Box
from flux2.scribble import marked
from flux2.sizing import MULTIPLE

_HALF = 128
"""Grey from which on a mask counts as white."""
_MARGIN = 8
"""The window around the mask is wider by this part of the drawn sides: what is next to it is looked at."""
_FEATHER = 64
"""The edge is feathered over this part of the picture's shorter side, inside the mask: 16 pixels of 1024."""
_SHADE = 8.0
"""Of 255: how much darker or lighter the decoder may have made a channel; more is no shade, but another picture."""
_KEPT = 0.7
"""Least part of the mask's weight that feathering leaves; a thin stroke is feathered less."""


def open_mask(data: bytes, *, max_pixels: int) -> Image.Image:
    """Decode any picture into a mask, mode L, 0 or 255; one in colour, a copy that was painted over, stays RGB.

    Raises InvalidRequest, also where nothing is white.
    """
    painted = images.open_reference(data, max_pixels=max_pixels, ground="black").image
    return painted if scribble.is_copy(painted) else _binary(painted.convert("L"))


def mask_of(picture: Image.Image, cells: Iterable[str] = (), painted: Image.Image | None = None) -> Image.Image:
    """The mask of `picture`, an RGB: the cells, and what `painted` (from `open_mask`) marks.

    Raises InvalidRequest where nothing is marked, and for a mask that was not painted over this picture.
    """
    mask = Image.new("L", picture.size)
    if painted is not None:
        region.require_likeness(painted.size, picture.size)
        is_mask = painted.mode == "L"
        mask.paste(painted.resize(picture.size, Image.Resampling.BILINEAR) if is_mask else marked(painted, picture))
    for box in region.boxes(cells, *picture.size):
        mask.paste(255, box)
    return _binary(mask)


def _binary(grey: Image.Image) -> Image.Image:
    mask = grey.point([0] * _HALF + [255] * (256 - _HALF))
    if mask.getbbox() is None:
        raise InvalidRequest(_("The mask has nothing white in it, so nothing would change; paint white what should."))
    return mask


@dataclass(frozen=True)
class Patch:
    """A picture, its mask, and the window of it that is drawn."""

    picture: Image.Image
    mask: Image.Image
    box: Box
    """The window: the whole picture, or where that is larger than what is drawn, the surroundings of the mask."""
    source: Image.Image
    """The window's pixels at the size that is drawn."""
    hole: Image.Image
    """The window's mask at that size, in whole 16-pixel tokens: each that the mask touches is free."""

    @classmethod
    def of(cls, picture: Image.Image, mask: Image.Image, size: tuple[int, int]) -> Self:
        """Cut out of `picture` what is drawn at `size`, (width, height) in whole tokens."""
        box = window(mask, size)
        source = picture.convert("RGB").crop(box)
        if source.size != size:
            source = source.resize(size, Image.Resampling.LANCZOS)
        tokens = size[0] // MULTIPLE, size[1] // MULTIPLE
        touched = mask.crop(box).resize(tokens, Image.Resampling.BOX).point([0] + [255] * 255)
        return cls(picture.convert("RGB"), mask, box, source, touched.resize(size, Image.Resampling.NEAREST))

    def paste(self, drawn: Image.Image) -> Image.Image:
        """Return the picture with `drawn` in the hole."""
        left, top, right, bottom = self.box
        drawn = self._unshaded(drawn)
        if drawn.size != (size := (right - left, bottom - top)):
            drawn = drawn.resize(size, Image.Resampling.LANCZOS)
        result = self.picture.copy()
        result.paste(drawn, self.box, feathered(self.mask).crop(self.box))
        return result

    def _unshaded(self, drawn: Image.Image) -> Image.Image:
        """Take back what encoding and decoding made darker or lighter, as seen where nothing was to change."""
        kept = ImageChops.invert(self.hole)
        if kept.getbbox() is None:
            return drawn
        was, became = (ImageStat.Stat(image, kept).mean for image in (self.source, drawn))
        shades = [before - after for before, after in zip(was, became, strict=True)]
        if max(map(abs, shades)) > _SHADE:
            return drawn
        return drawn.point([min(255, max(0, round(value + shade))) for shade in shades for value in range(256)])


def window(mask: Image.Image, size: tuple[int, int]) -> Box:
    """The part of the picture that is drawn at `size`: as sharp as the picture, unless the mask itself is larger.

    It has the picture's own shape and lies around the mask with a margin.
    """
    left, top, right, bottom = mask.getbbox() or (0, 0, *mask.size)
    across = max(size[0], right - left + size[0] // _MARGIN) / mask.width
    down = max(size[1], bottom - top + size[1] // _MARGIN) / mask.height
    part = min(1.0, max(across, down))
    width, height = round(mask.width * part), round(mask.height * part)
    x = min(max(0, (left + right - width) // 2), mask.width - width)
    y = min(max(0, (top + bottom - height) // 2), mask.height - height)
    return x, y, x + width, y + height


def feathered(mask: Image.Image) -> Image.Image:
    """`mask` with an edge that fades inwards; outside it stays 0."""
    radius = max(1, min(mask.size) // _FEATHER)
    weight = ImageStat.Stat(mask).sum[0]
    while radius:
        blurred = mask.filter(ImageFilter.BoxBlur(radius))
        # Half at the edge, so twice what is above half is nothing there and all of it one radius further in.
        faded = ImageChops.darker(mask, blurred.point([max(0, 2 * value - 255) for value in range(256)]))
        if ImageStat.Stat(faded).sum[0] >= _KEPT * weight:
            return faded
        radius //= 2
    return mask
