"""What a member sees: the picture shows what the prompt says, read from the posted file's pixels."""

import io
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flux2.training.cases import CENTRE_TOLERANCE, HEX_TOLERANCE
from flux2.training.reader import Seen, delta_e, read
from sandbox.message import Message
from sandbox.once import Errand, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

Posted = Callable[[dict[str, Any]], Awaitable[Message]]

PROMPT, EDIT = "a red circle on a white background", "make it blue"
CODED = "a circle in hex #1B6B6F on a white background"


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


async def test_a_hex_code_is_the_colour_of_the_picture(stack: Stack, tmp_path: Path) -> None:
    """The code goes from the message to the posted pixels: the circle's colour is the one that was written."""
    line = await converse(Errand("imagine", tmp_path, CODED, options={"seed": "1"}), stack)
    (circle,) = read(Image.open(line["files"][0])).objects
    assert circle.shape == "circle"
    assert delta_e(circle.rgb, (0x1B, 0x6B, 0x6F)) <= HEX_TOLERANCE


async def read_from(stack: Stack, message: Message) -> Seen:
    """The only object of a message's picture."""
    reading = read(Image.open(io.BytesIO(await stack.server.read(message.attachments[0]))))
    assert len(reading.objects) == 1
    return reading.objects[0]


async def test_back_from_a_move_keeps_the_place_and_takes_the_new_colour(
    stack: Stack, tmp_path: Path, posted: Posted
) -> None:
    """Green, moved to the left, back, yellow: the yellow one stands where the green one did, and its line says so."""
    world, luna = stack.server.world, stack.server.member("luna")
    then = ("make it green", "move it to the left")
    line = await converse(Errand("imagine", tmp_path, PROMPT, options={"seed": "1"}, then=then), stack)
    moved = await posted(line)
    panel = await (await luna.press(moved, "More…")).answer()
    green = await (await luna.press(panel, "Back")).follow_up()
    modal = (await luna.press(green, "Edit")).modal
    await luna.submit(modal, {"change": "make it yellow"})
    yellow = await world.wait_for(lambda m: "make it yellow" in m.content and "More…" in m.labels(), timeout=60)
    assert "v3 ← [v2](<" in yellow.content
    before, left, after = [await read_from(stack, message) for message in (green, moved, yellow)]
    assert (before.colour, left.colour, after.colour) == ("green", "green", "yellow")
    assert before.shape == after.shape == "circle"
    assert left.x < before.x - CENTRE_TOLERANCE
    assert math.dist((before.x, before.y), (after.x, after.y)) <= CENTRE_TOLERANCE
