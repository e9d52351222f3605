"""A picture varied through every process: asked, chosen among several, drawn over, posted under it."""

import io
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flux2.training.cases import CENTRE_TOLERANCE
from flux2.training.reader import read
from sandbox.message import Message
from sandbox.once import Errand, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

Posted = Callable[[dict[str, Any]], Awaitable[Message]]


async def test_the_second_of_two_is_varied_and_stays_what_it_shows(
    stack: Stack, tmp_path: Path, posted: Posted
) -> None:
    """Colour, place and size of its object stay; other pixels, and the result says what it came from."""
    options = {"seed": "1", "count": "2", "format": "png"}
    line = await converse(Errand("imagine", tmp_path, "a red circle on a white background", options=options), stack)
    world, luna = stack.server.world, stack.server.member("luna")
    message = await posted(line)
    asked = await (await luna.press(message, "Vary")).answer()
    await (await luna.select(asked, "Which picture…", "Image 2")).answer()
    await luna.press(asked, "Subtle")
    varied = await world.wait_for(lambda m: m.reference_id == message.id and bool(m.attachments), timeout=200)
    assert "Variation of “a red circle on a white background”" in varied.content
    assert "From image 2 of 2." in varied.content
    assert len(varied.attachments) == 2
    original = Image.open(line["files"][1])
    (before,) = read(original).objects
    for attachment in varied.attachments:
        variation = Image.open(io.BytesIO(await stack.server.read(attachment)))
        (after,) = read(variation).objects
        assert after.colour == before.colour == "red"
        assert math.dist((before.x, before.y), (after.x, after.y)) <= CENTRE_TOLERANCE
        assert after.area == pytest.approx(before.area, rel=0.25)
        assert variation.tobytes() != original.convert(variation.mode).tobytes()
