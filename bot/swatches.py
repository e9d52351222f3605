"""A strip of the colours a prompt names by code, as a small picture. Pillow work: keep it off the event loop."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from bot.language import _
from flux2.prompting import colours, wording
from flux2.prompting.colours import Swatch

NAME = "colours.png"
_HEIGHT, _WIDTH, _GAP = 36, 96, 4
"""Pixels of one swatch, and between two."""


def strip(found: Sequence[Swatch]) -> bytes:
    """Return a PNG with one field for each colour, in order; a gradient runs through two fields."""
    widths = [_WIDTH * 2 if swatch.end else _WIDTH for swatch in found]
    image = Image.new("RGBA", (sum(widths) + _GAP * (len(found) - 1), _HEIGHT), (0, 0, 0, 0))
    left = 0
    for swatch, width in zip(found, widths, strict=True):
        image.paste(_field(swatch, width), (left, 0))
        left += width + _GAP
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def named_by(prompt: str) -> tuple[bytes, str] | None:
    """Return the strip for a prompt and its words for a screen reader; None where it names no code."""
    found = wording.swatches(prompt)
    if not found:
        return None
    words = ", ".join(_("{code} to {end}").format(code=one.code, end=one.end) if one.end else one.code for one in found)
    return strip(found), _("Colours: {words}").format(words=words)


def _field(swatch: Swatch, width: int) -> Image.Image:
    start = colours.rgb(swatch.code)
    if swatch.end is None:
        return Image.new("RGB", (width, _HEIGHT), start)
    # A horizontal ramp between two flat fields.
    ramp = Image.linear_gradient("L").rotate(90).resize((width, _HEIGHT))
    end = Image.new("RGB", (width, _HEIGHT), colours.rgb(swatch.end))
    return Image.composite(end, Image.new("RGB", (width, _HEIGHT), start), ramp)
