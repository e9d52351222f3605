"""A place marked on a copy of the picture, as a finger on a telephone does it: in any colour, painted over or circled.

Owns the difference between copy and picture. Declines to know masks that are masks already (flux2/masking.py).
Torch-free.
"""

from __future__ import annotations

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from flux2.errors import InvalidRequest
from flux2.language import _

_COLOURED, _COLOURED_SHARE = 32, 0.002
"""Of 255, how far a pixel's channels lie apart that is no grey; the share of such pixels from which on it is a copy."""
_SEEN = 48
"""Of 255: the least difference of a channel that somebody painted; a JPEG's own are below, but for thin edges."""
_SIDE, _SMALL = 1024, 256
"""Pixels of the longer side at which copy and picture are compared, and at which a line is followed around."""
_GAP = 9
"""Of those smaller pixels: a line that is open by less is closed, as where it has the colour of what it crosses."""
_MOST = 0.7
"""Where more than this share differs, it is another picture."""


def is_copy(image: Image.Image) -> bool:
    """Whether an RGB picture has colours, which no mask has."""
    red, green, blue = image.split()
    highest, lowest = (one(one(red, green), blue) for one in (ImageChops.lighter, ImageChops.darker))
    coloured = sum(ImageChops.subtract(highest, lowest).histogram()[_COLOURED:])
    return coloured > _COLOURED_SHARE * image.width * image.height


def marked(copy: Image.Image, picture: Image.Image) -> Image.Image:
    """Return the mask, mode L and of the picture's size: what was painted over `copy`, and what a line goes around.

    Both are RGB and of one shape. Raises InvalidRequest where nothing was painted, or where it is no copy.
    """
    # At the size of the smaller one: what is enlarged would have other edges than what never was reduced.
    scale = min(1.0, _SIDE / max(picture.size), copy.width / picture.width)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    before, after = (
        one.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.BoxBlur(1)) for one in (picture, copy)
    )
    red, green, blue = ImageChops.difference(before, after).split()
    differs = ImageChops.lighter(ImageChops.lighter(red, green), blue).point([0] * _SEEN + [255] * (256 - _SEEN))
    # Lines of one or two pixels are edges that were encoded anew; what is left is taken a little wider than it was.
    painted = differs.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.MaxFilter(7))
    share = painted.histogram()[255] / (size[0] * size[1])
    if not share:
        raise InvalidRequest(
            _("Nothing is painted over the copy of the picture; circle what should change, or fill it.")
        )
    if share > _MOST:
        raise InvalidRequest(
            _("That is neither a black and white mask nor a copy of the picture; paint over the picture itself.")
        )
    return ImageChops.lighter(painted, _enclosed(painted)).resize(picture.size, Image.Resampling.BILINEAR)


def _enclosed(painted: Image.Image) -> Image.Image:
    """What a closed line goes around: all that cannot be reached from outside without crossing it."""
    small = ImageOps.contain(painted, (_SMALL, _SMALL), Image.Resampling.BOX).point([0] + [255] * 255)
    ground = ImageOps.expand(small.filter(ImageFilter.MaxFilter(_GAP)), 1, 0)
    ImageDraw.floodfill(ground, (0, 0), 128)
    inside = ground.point([255] + [0] * 255).crop((1, 1, ground.width - 1, ground.height - 1))
    inside = inside.filter(ImageFilter.MaxFilter(_GAP + 4))  # as far as the line was widened, and into it
    return inside.resize(painted.size, Image.Resampling.NEAREST)
