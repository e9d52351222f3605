"""A contact sheet: several pictures as one, each with its label below. Pillow alone, no torch.

Declines to know what the pictures are of and where the sheet goes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

MAX_SIDE = 2048
"""Pixels of the sheet's longer side."""
_GROUND, _INK = (24, 25, 28), (236, 237, 240)
_GAP = 8
_LABEL_SHARE = 12
"""A label takes one part in this many of its cell's height, and 14 pixels at least."""
_LEAST_TEXT = 14


def contact_sheet(images: Sequence[Image.Image], labels: Sequence[str]) -> Image.Image:
    """Return the sheet: cells of one size, nearly as many columns as rows, nothing cropped and nothing enlarged.

    `images` is not empty and `labels` as long. The longer side is MAX_SIDE pixels at most.
    """
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    widest, tallest = max(image.width for image in images), max(image.height for image in images)
    text = max(_LEAST_TEXT, tallest // _LABEL_SHARE)
    scale = min(1.0, MAX_SIDE / (columns * (widest + _GAP) + _GAP), MAX_SIDE / (rows * (tallest + 2 * text) + _GAP))
    # Rounded down, and the label with it, so that the whole stays inside MAX_SIDE.
    width, height, text = (max(1, int(side * scale)) for side in (widest, tallest, text))
    across, down = width + _GAP, height + 2 * text
    sheet = Image.new("RGB", (columns * across + _GAP, rows * down + _GAP), _GROUND)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        left, top = _GAP + number % columns * across, _GAP + number // columns * down
        _put(sheet, image.convert("RGB"), (left, top), (width, height), scale)
        _write(sheet, label, (left + width // 2, top + height + text), width, text)
    return sheet


def _put(sheet: Image.Image, image: Image.Image, corner: tuple[int, int], cell: tuple[int, int], scale: float) -> None:
    fitted = ImageOps.contain(image, cell, Image.Resampling.LANCZOS) if scale < 1 else image
    left = corner[0] + (cell[0] - fitted.width) // 2
    top = corner[1] + (cell[1] - fitted.height) // 2
    sheet.paste(fitted, (left, top))


def _write(sheet: Image.Image, label: str, middle: tuple[int, int], width: int, height: int) -> None:
    """Centre `label`, in smaller letters where it is long, and shortened where those would be too small to read."""
    draw = ImageDraw.Draw(sheet)
    line = " ".join(label.split())
    size = float(height)
    while (long := draw.textlength(line, font=_font(size))) > width and size > _LEAST_TEXT * 0.7:
        size = max(_LEAST_TEXT * 0.7, size * width / long)
    while line and draw.textlength(line, font=_font(size)) > width:
        line = line[:-2].rstrip() + "…" if len(line) > 2 else ""
    draw.text(middle, line, font=_font(size), fill=_INK, anchor="mm")


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
