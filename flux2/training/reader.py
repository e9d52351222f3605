"""Reads a picture of flat shapes: ground, and of every object shape, colour, centre and radius. Ordinary image code.

Works at any size and ratio. Declines to know what the picture should show, and uses no model.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from flux2.training.scenes import PALETTE, PLACES, SHAPES, Colour, Thing, coverage, spot

Pixels = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
VISIBLE = 40.0
"""Least distance from the ground, Euclidean in 8-bit RGB, of a pixel that may belong to an object."""
LEAST_AREA = 0.006
"""Least area of an object in squares of the shorter side: a small cross of radius 0.11 has as much."""
BOX = 64
"""Side of the square to which outlines are brought before they are compared."""


@dataclass(frozen=True)
class Seen:
    """One object as it was read: lengths in units of the shorter side, colour 8-bit RGB."""

    shape: str
    overlap: float
    """How well the outline fits the ideal one, intersection over union, 0..1."""
    rgb: tuple[float, float, float]
    x: float
    y: float
    radius: float
    area: float

    @property
    def colour(self) -> str:
        """The nearest palette colour's name."""
        return nearest(self.rgb)


@dataclass(frozen=True)
class Reading:
    """A picture as it was read; the largest object first. `wide` and `high` in units of the shorter side."""

    ground: tuple[float, float, float]
    objects: tuple[Seen, ...]
    wide: float
    high: float

    @property
    def object(self) -> Seen | None:
        """The only object; None where there is none or more than one."""
        return self.objects[0] if len(self.objects) == 1 else None

    @property
    def ground_colour(self) -> str:
        """The nearest palette colour's name."""
        return nearest(self.ground)

    def place(self, seen: Seen) -> str:
        """Which of the five places the object is nearest to, for an object of its radius."""

        def far(place: str) -> float:
            return math.dist((seen.x, seen.y), spot(place, seen.radius, self.wide, self.high))

        return min(PLACES, key=far)


def nearest(rgb: tuple[float, float, float]) -> str:
    """The palette colour's name with the least CIELAB distance."""
    lab = to_lab(rgb)
    return min(PALETTE, key=lambda name: float(np.linalg.norm(to_lab(PALETTE[name]) - lab)))


def to_lab(rgb: tuple[float, float, float]) -> Pixels:
    """CIELAB (D65) of an 8-bit sRGB colour."""
    value = np.clip(np.asarray(rgb, dtype=np.float64) / 255, 0, 1)
    linear = np.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta_e(one: tuple[float, float, float], two: tuple[float, float, float]) -> float:
    """Colour difference CIE76 (Euclidean in CIELAB), the strictest of the usual formulas for vivid colours."""
    return float(np.linalg.norm(to_lab(one) - to_lab(two)))


def read(picture: Image.Image) -> Reading:
    """Read a picture. Objects under 0.6 % of the squared shorter side are taken for specks."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    height, width = pixels.shape[:2]
    scale = min(height, width)
    ground = _ground(pixels)
    apart = np.linalg.norm(pixels - ground, axis=-1)
    labels, count = ndimage.label(apart > VISIBLE, structure=np.ones((3, 3)))
    found = []
    for k in range(1, count + 1):
        where = labels == k
        if where.sum() >= LEAST_AREA * scale**2:
            found.append(_object(pixels, where, apart, ground, scale))
    objects = tuple(sorted((seen for seen in found if seen), key=lambda seen: -seen.area))
    return Reading(_tuple(ground), objects, width / scale, height / scale)


def _ground(pixels: Pixels) -> Pixels:
    """The median of the border, a fortieth of the shorter side wide."""
    edge = max(2, min(pixels.shape[:2]) // 40)
    strips = (pixels[:edge], pixels[-edge:], pixels[:, :edge], pixels[:, -edge:])
    return np.asarray(np.median(np.concatenate([strip.reshape(-1, 3) for strip in strips]), axis=0))


def _object(pixels: Pixels, where: Mask, apart: Pixels, ground: Pixels, scale: int) -> Seen | None:
    """One connected region as an object: its colour from the half least like the ground, its outline half way."""
    far = apart[where]
    core = where & (apart >= np.median(far))
    colour = np.median(pixels[core], axis=0)
    toward = colour - ground
    share = (pixels - ground) @ toward / (toward @ toward)
    labels, _ = ndimage.label((share > 0.5) & ndimage.binary_dilation(where, iterations=2))
    if not labels.any():
        return None
    mask = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    area = float(mask.sum()) / scale**2
    if area < LEAST_AREA:
        return None
    ys, xs = np.nonzero(mask)
    top, bottom, left, right = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    shape, overlap = _shape(mask[top:bottom, left:right])
    outline = _outlines()[shape]
    radius = ((bottom - top) / outline.high + (right - left) / outline.wide) / 2
    x, y = (left + right) / 2 - outline.x * radius, (top + bottom) / 2 - outline.y * radius
    return Seen(shape, overlap, _tuple(colour), float(x / scale), float(y / scale), float(radius / scale), area)


def _tuple(values: Pixels) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


@dataclass(frozen=True)
class _Outline:
    """An ideal shape: its box filled to BOX x BOX, and that box's sides and centre in radii."""

    box: Pixels
    wide: float
    high: float
    x: float
    y: float


def _to_box(mask: Mask) -> Pixels:
    image = Image.fromarray((mask * 255).astype(np.uint8)).resize((BOX, BOX), Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float64) / 255


@functools.cache
def _outlines() -> dict[str, _Outline]:
    side, radius = 480, 0.4
    outlines = {}
    for shape in SHAPES:
        thing = Thing(shape, Colour((0, 0, 0)), 0.5, 0.5, radius)
        mask = coverage([thing], side, side)[0, 0].numpy() > 0.5
        ys, xs = np.nonzero(mask)
        top, bottom, left, right = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
        unit = radius * side
        outlines[shape] = _Outline(
            _to_box(mask[top:bottom, left:right]),
            (right - left) / unit,
            (bottom - top) / unit,
            ((left + right) / 2 - side / 2) / unit,
            ((top + bottom) / 2 - side / 2) / unit,
        )
    return outlines


def _shape(cut: Mask) -> tuple[str, float]:
    """The shape whose outline fits best, and the fit; a wrong ratio of the box counts against it."""
    box, ratio = _to_box(cut), math.log(cut.shape[1] / cut.shape[0])
    best, score = SHAPES[0], (-math.inf, 0.0)
    for shape, ideal in _outlines().items():
        overlap = float(np.minimum(box, ideal.box).sum() / np.maximum(box, ideal.box).sum())
        fit = overlap - 0.5 * abs(ratio - math.log(ideal.wide / ideal.high))
        if fit > score[0]:
            best, score = shape, (fit, overlap)
    return best, score[1]
