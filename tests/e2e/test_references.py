"""References, from a member's files to the pixels: edits, two images at once, the studio's form, the tray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sandbox.once import Errand, Refused, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """A red square on white."""
    picture = Image.new("RGB", (128, 128), "white")
    picture.paste((220, 30, 30), (35, 35, 93, 93))
    picture.save(tmp_path / "square.png")
    return tmp_path / "square.png"


@pytest.fixture
def circle(tmp_path: Path) -> Path:
    """A blue circle on yellow."""
    picture = Image.new("RGB", (512, 512), (250, 220, 40))
    ImageDraw.Draw(picture).ellipse((113, 113, 399, 399), fill=(30, 60, 220))
    picture.resize((128, 128), Image.Resampling.LANCZOS).save(tmp_path / "circle.png")
    return tmp_path / "circle.png"


def colours(line: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """RGB of the middle and of a corner of the picture."""
    pixels = np.asarray(Image.open(line["files"][0]).convert("RGB")).astype(int)
    return pixels[pixels.shape[0] // 2, pixels.shape[1] // 2], pixels[4, 4]


async def test_edit_changes_what_was_said_and_keeps_the_rest(stack: Stack, tmp_path: Path, square: Path) -> None:
    """“make it blue” turns the red square blue on its white ground; the shape of the picture stays."""
    options = {"seed": "1", "format": "png"}
    line = await converse(Errand("edit", tmp_path / "out", "make it blue", (square,), options), stack)
    middle, corner = colours(line)
    assert middle[2] > middle[0] + 80
    assert corner.min() > 230
    assert (line["request"]["width"], line["request"]["height"]) == (128, 128)


async def test_a_region_changes_and_every_other_pixel_stays(stack: Stack, tmp_path: Path) -> None:
    """Of two red circles the one in the right column turns blue; outside it the largest difference is 0."""
    before = Image.new("RGB", (192, 128), "white")
    for left in (20, 135):
        ImageDraw.Draw(before).ellipse((left, 40, left + 48, 88), fill=(220, 30, 30))
    before.save(tmp_path / "two.png")
    options = {"seed": "1", "region": "C1-C3"}
    line = await converse(Errand("edit", tmp_path / "out", "make it blue", (tmp_path / "two.png",), options), stack)
    after = np.asarray(Image.open(line["files"][0]).convert("RGB")).astype(int)
    assert np.abs(after - np.asarray(before))[:, :128].max() == 0
    assert after[64, 160, 2] > after[64, 160, 0] + 80
    assert "Only C1-C3 was drawn anew." in line["content"]


async def test_two_references_are_told_apart(stack: Stack, tmp_path: Path, square: Path, circle: Path) -> None:
    """Image 1 takes image 2's colour, or its background: each prompt changes that alone."""
    options = {"seed": "1", "format": "png"}
    images = (square, circle)
    colour = await converse(
        Errand("imagine", tmp_path / "a", "image 1 in the color of image 2", images, options), stack
    )
    middle, corner = colours(colour)
    assert middle[2] > middle[0] + 80
    assert corner.min() > 230
    ground = await converse(
        Errand("edit", tmp_path / "b", "image 1 with the background of image 2", images, options), stack
    )
    middle, corner = colours(ground)
    assert middle[0] > middle[2] + 80
    assert corner[0] > 200 > 100 > corner[2]


async def test_the_studio_draws_from_its_form(stack: Stack, tmp_path: Path, square: Path) -> None:
    """The form's upload is image 1, and its size is taken."""
    line = await converse(Errand("studio", tmp_path / "out", "make it blue", (square,), {"size": "16:9"}), stack)
    assert line["request"]["width"] > line["request"]["height"]
    assert len(line["request"]["reference_images"]) == 1


async def test_an_image_that_is_not_there_is_refused_before_queueing(
    stack: Stack, tmp_path: Path, square: Path
) -> None:
    """“image 3” with one picture is a sentence, by the bot, at once."""
    with pytest.raises(Refused) as refused:
        await converse(Errand("edit", tmp_path, "image 3 in blue", (square,)), stack)
    assert refused.value.stage == "bot"
    assert "there is only image 1" in refused.value.error
