"""flux2.masking: masks from any file, the window that is drawn, the paste that keeps every other pixel."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from flux2 import masking
from flux2.errors import InvalidRequest
from flux2.masking import Patch, mask_of, window


def saved(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def plain(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height))


def painted(mode: str) -> Image.Image:
    """A white square on black, or on nothing where the mode can hold that."""
    grey = Image.new("L", (60, 40))
    grey.paste(255, (10, 10, 30, 30))
    if mode == "RGBA":
        layer = Image.new("RGBA", grey.size, (255, 255, 255, 0))
        layer.putalpha(grey)
        return layer
    return grey.convert("I;16") if mode == "I;16" else grey.convert(mode)


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P", "RGBA", "LA", "I;16"])
def test_a_mask_may_be_of_any_mode(mode: str) -> None:
    """White on black and white on nothing are the same mask."""
    image = painted(mode)
    if mode == "I;16":
        image = Image.fromarray((np.asarray(painted("L")).astype(np.uint16)) * 257)
    mask = masking.open_mask(saved(image), max_pixels=10_000)
    assert (mask.mode, mask.getbbox()) == ("L", (10, 10, 30, 30))
    assert set(np.unique(np.asarray(mask))) == {0, 255}


@pytest.mark.parametrize("colour", ["black", (100, 100, 100)])
def test_a_mask_without_white_is_refused(colour: Any) -> None:
    """The sentence says what to paint."""
    with pytest.raises(InvalidRequest, match="paint white what should"):
        masking.open_mask(saved(Image.new("RGB", (40, 40), colour)), max_pixels=10_000)


def test_cells_and_paint_add_up_at_any_size() -> None:
    """A mask painted over a smaller copy is enlarged; another shape is refused."""
    small = Image.new("L", (30, 30))
    small.paste(255, (20, 20, 30, 30))
    mask = mask_of(plain(300, 300), ["A1"], small)
    assert mask.getpixel((50, 50)) == mask.getpixel((280, 280)) == 255
    assert mask.getpixel((150, 150)) == mask.getpixel((50, 280)) == 0
    with pytest.raises(InvalidRequest, match="same shape"):
        mask_of(plain(300, 200), (), small)


def test_the_window_is_sharp_around_a_small_mask_and_whole_around_a_large_one() -> None:
    """A cell of a large picture is drawn at its own pixels or nearly, in a window of the picture's own shape."""
    small = Image.new("L", (4000, 2000))
    small.paste(255, (3900, 10, 3990, 90))
    assert window(small, (1024, 512)) == (2976, 0, 4000, 512)
    cell = mask_of(plain(4000, 2000), ["B2"])
    left, top, right, bottom = window(cell, (1024, 512))
    assert (left < 1333, right > 2667, top < 667, bottom > 1333) == (True,) * 4
    assert (right - left) / (bottom - top) == pytest.approx(2, rel=0.01)
    assert window(mask_of(plain(4000, 2000), ["A1", "C3"]), (1024, 512)) == (0, 0, 4000, 2000)
    assert window(mask_of(plain(500, 250), ["A1"]), (512, 256)) == (0, 0, 500, 250)


@pytest.mark.parametrize("size", [(128, 128), (100, 75), (1000, 333), (2000, 1500)])
def test_the_paste_changes_nothing_outside_the_mask(size: tuple[int, int]) -> None:
    """Whatever was drawn: not one value outside differs, inside it is the drawn one but for a feathered edge."""
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2), fill=255)
    drawn = Image.new("RGB", (128, 96), (0, 200, 0))
    result = np.asarray(Patch.of(picture, mask, drawn.size).paste(drawn))
    inside = np.asarray(mask) > 0
    assert (result[~inside] == noise[~inside]).all()
    assert (result[inside] == (0, 200, 0)).all(axis=-1).mean() > 0.5


def test_a_shade_of_the_decoder_is_taken_back() -> None:
    """All of the window came out 3 darker, and in the hole a blue square: the square is as blue as it was meant."""
    picture = Image.new("RGB", (128, 128), (250, 250, 250))
    drawn = Image.new("RGB", picture.size, (247, 247, 247))
    drawn.paste((20, 40, 200), (80, 80, 110, 110))
    result = Patch.of(picture, mask_of(picture, ["C3"]), picture.size).paste(drawn)
    assert (result.getpixel((95, 95)), result.getpixel((120, 120))) == ((23, 43, 203), (250, 250, 250))


def test_a_thin_stroke_is_not_feathered_away() -> None:
    """A line two pixels wide in a large picture still lets what was drawn through."""
    mask = Image.new("L", (1024, 1024))
    ImageDraw.Draw(mask).line((100, 500, 900, 500), fill=255, width=2)
    faded = np.asarray(masking.feathered(mask)).astype(float)
    assert faded.sum() > 0.6 * np.asarray(mask).astype(float).sum()


def test_the_hole_frees_each_token_the_mask_touches() -> None:
    """One white pixel frees its 16 by 16 pixels, and no others."""
    mask = Image.new("L", (128, 128))
    mask.putpixel((17, 40), 255)
    hole = Patch.of(Image.new("RGB", mask.size), mask, mask.size).hole
    assert hole.getbbox() == (16, 32, 32, 48)
