"""flux2.scribble: a place marked on a copy of the picture."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from flux2.errors import InvalidRequest
from flux2.masking import mask_of, open_mask


def photograph(size: tuple[int, int] = (900, 600)) -> Image.Image:
    """Something with soft and hard edges, in colours."""
    noise = np.random.default_rng(5).integers(0, 256, (size[1] // 30, size[0] // 30, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))
    ImageDraw.Draw(picture).rectangle((100, 100, 300, 250), fill=(250, 240, 20), outline=(0, 0, 0), width=4)
    return picture


def sent(picture: Image.Image, scale: float = 1.0, quality: int = 75) -> bytes:
    """As a telephone sends it: smaller, and encoded anew."""
    file = io.BytesIO()
    size = round(picture.width * scale), round(picture.height * scale)
    picture.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=quality)
    return file.getvalue()


def read(picture: Image.Image, data: bytes) -> np.ndarray:
    """Where it may change."""
    return np.asarray(mask_of(picture, (), open_mask(data, max_pixels=4_000_000))) > 0


@pytest.mark.parametrize(
    ("colour", "scale", "quality"),
    [("red", 1.0, 95), ("white", 1.0, 60), ("black", 0.6, 75), ((60, 200, 90), 0.6, 75), ("red", 1.5, 75)],
)
def test_what_is_circled_may_change(colour: Any, scale: float, quality: int) -> None:
    """A ring in any colour means what it goes around; a copy that was scaled and compressed marks nothing else."""
    picture = photograph()
    copy = picture.copy()
    ImageDraw.Draw(copy).ellipse((500, 200, 800, 500), outline=colour, width=14)
    asked = Image.new("L", picture.size)
    ImageDraw.Draw(asked).ellipse((500, 200, 800, 500), fill=255)
    found, meant = read(picture, sent(copy, scale, quality)), np.asarray(asked) > 0
    assert (found & meant).sum() > 0.98 * meant.sum()
    assert (found & ~meant).sum() < 0.1 * meant.sum()


def test_what_is_painted_over_may_change() -> None:
    """Two strokes are two places."""
    picture = photograph()
    copy = picture.copy()
    for y in (150, 450):
        ImageDraw.Draw(copy).line((400, y, 700, y), fill="magenta", width=30)
    found = read(picture, sent(copy))
    assert found[150, 450:650].all()
    assert found[450, 450:650].all()
    assert not found[300].any()


@pytest.mark.parametrize("quality", [95, 40])
def test_a_copy_with_nothing_on_it_is_refused(quality: int) -> None:
    """Compression alone marks nothing."""
    with pytest.raises(InvalidRequest, match="circle what should change"):
        read(photograph(), sent(photograph(), 0.7, quality))


def test_another_picture_is_refused() -> None:
    """In one sentence that says what to paint over."""
    with pytest.raises(InvalidRequest, match="paint over the picture itself"):
        read(photograph(), sent(ImageOps.invert(photograph())))
