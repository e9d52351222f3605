"""A picture under the grid of its cells, to choose among them by eye. Pillow alone, no torch."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from flux2 import region

MIN_SIDE, MAX_SIDE = 384, 768
"""Pixels of the longer side: enough to see what lies in a cell, and to read its name."""
_LIGHT, _DARK = (255, 255, 255), (0, 0, 0)
_LABEL_SHARE = 22
"""A cell's name takes one part in this many of the shorter side, and 11 pixels at least."""
_LEAST_TEXT = 11


def gridded(image: Image.Image) -> Image.Image:
    """Return `image`, at a size to look at, with a line between its cells and each cell's name in the corner."""
    scale = min(max(1.0, MIN_SIDE / max(image.size)), MAX_SIDE / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    shown = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(shown)
    for left, top, _right, _bottom in region.boxes(region.PLACES, *shown.size):
        for start, end in (((left, 0), (left, shown.height)), ((0, top), (shown.width, top))):
            if start != (0, 0):
                draw.line((start, end), fill=_DARK, width=3)
                draw.line((start, end), fill=_LIGHT, width=1)
    font = ImageFont.load_default(max(_LEAST_TEXT, min(shown.size) / _LABEL_SHARE))
    for cell, (left, top, _right, _bottom) in zip(region.PLACES, region.boxes(region.PLACES, *shown.size), strict=True):
        draw.text((left + 6, top + 4), cell, font=font, fill=_LIGHT, stroke_width=2, stroke_fill=_DARK)
    return shown
