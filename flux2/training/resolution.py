"""Whether an enlarged scene is nearer to the scene drawn large than plain interpolation is: edges, PSNR, SSIM."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from flux2.training.captions import caption
from flux2.training.cases import picture
from flux2.training.scenes import draw, random_scene

_EDGE = 0.02
"""Change from one pixel to the next, of 1, that counts as an edge of the truth."""
_AROUND = 8
"""Pixels around an edge where the gradient is compared."""
_SIGMA = 1.5
"""Of SSIM's window, in pixels."""


@dataclass(frozen=True)
class Pair:
    """A scene small, as it is given, and large, as it should become."""

    source: Image.Image
    truth: Image.Image
    prompt: str

    @classmethod
    def numbered(cls, number: int, side: int, factor: int) -> Pair:
        """Question `number` with a source of `side` pixels; the same every time."""
        rng = random.Random(f"resolution/{number}")
        scene = random_scene(rng, 1, 1, hex_share=0)
        truth = picture(draw([scene], side * factor, side * factor)[0])
        return cls(truth.resize((side, side), Image.Resampling.BOX), truth, caption(rng, scene))


def edge_error(shown: Image.Image, truth: Image.Image) -> float:
    """Root mean square difference of the gradients around the truth's edges, of 1 per pixel."""
    found, asked = _gradients(shown), _gradients(truth)
    near = ndimage.binary_dilation(np.abs(asked).sum((0, 3)) > _EDGE, iterations=_AROUND)
    return float(np.sqrt(((found - asked) ** 2).sum((0, 3))[near].mean()))


def psnr(shown: Image.Image, truth: Image.Image) -> float:
    """Peak signal to noise ratio in dB, over 8-bit RGB."""
    mean = ((_pixels(shown) - _pixels(truth)) ** 2).mean()
    return float(10 * np.log10(1 / mean)) if mean else float("inf")


def ssim(shown: Image.Image, truth: Image.Image) -> float:
    """Structural similarity of the two in grey, mean over the picture."""
    a, b = (np.asarray(one.convert("L"), np.float64) / 255 for one in (shown, truth))
    blur = [ndimage.gaussian_filter(one, _SIGMA) for one in (a, b, a * a, b * b, a * b)]
    spread_a, spread_b, shared = blur[2] - blur[0] ** 2, blur[3] - blur[1] ** 2, blur[4] - blur[0] * blur[1]
    light = (2 * blur[0] * blur[1] + 1e-4) / (blur[0] ** 2 + blur[1] ** 2 + 1e-4)
    return float((light * (2 * shared + 9e-4) / (spread_a + spread_b + 9e-4)).mean())


def _pixels(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("RGB"), np.float64) / 255


def _gradients(image: Image.Image) -> NDArray[np.float64]:
    pixels = _pixels(image)
    return np.stack([np.diff(pixels, axis=0)[:, :-1], np.diff(pixels, axis=1)[:-1]])
