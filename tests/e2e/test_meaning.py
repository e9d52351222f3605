"""What a member sees: the picture shows what the prompt says, read from the posted file's pixels."""

import math
from pathlib import Path

import pytest
from PIL import Image

from flux2.training.cases import CENTRE_TOLERANCE
from flux2.training.reader import Seen, read
from sandbox.once import Errand, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPT, EDIT = "a red circle on a white background", "make it blue"


async def seen(stack: Stack, out: Path, then: tuple[str, ...] = ()) -> tuple[Seen, str]:
    """The only object of the last posted picture, and the name of its ground's colour."""
    line = await converse(Errand("imagine", out, PROMPT, options={"seed": "1"}, then=then), stack)
    reading = read(Image.open(line["files"][0]))
    assert len(reading.objects) == 1
    return reading.objects[0], reading.ground_colour


async def test_a_red_circle_becomes_a_blue_one_in_the_same_place(stack: Stack, tmp_path: Path) -> None:
    """The prompt's circle is red on white; the reply "make it blue" recolours it and leaves the rest where it was."""
    (before, ground), (after, ground_after) = await seen(stack, tmp_path / "a"), await seen(stack, tmp_path, (EDIT,))
    assert (before.shape, before.colour, ground) == ("circle", "red", "white")
    assert (after.shape, after.colour, ground_after) == ("circle", "blue", "white")
    assert math.dist((before.x, before.y), (after.x, after.y)) <= CENTRE_TOLERANCE
    assert after.radius == pytest.approx(before.radius, rel=0.15)
