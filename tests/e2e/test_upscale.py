"""A picture enlarged through every process: command and button."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sandbox.message import Message
from sandbox.once import Errand, Refused, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

Posted = Callable[[dict[str, Any]], Awaitable[Message]]


def shaded(path: Path, width: int, height: int) -> Path:
    """A picture that changes slowly."""
    ramp = Image.linear_gradient("L").resize((width, height))
    Image.merge("RGB", (ramp, ramp.rotate(180), Image.new("L", (width, height), 90))).save(path)
    return path


async def test_the_enlarged_picture_is_the_same_picture(stack: Stack, tmp_path: Path) -> None:
    """Of the size asked for, odd sizes too; reduced again it is what was attached, and the caption is told."""
    source = shaded(tmp_path / "in.png", 90, 70)
    options = {"factor": "1.5", "steps": "4"}
    line = await converse(Errand("upscale", tmp_path / "out", images=(source,), options=options), stack)
    assert line["request"]["kind"] == "upscale"
    assert "Nobody here can look at pictures, so the caption is a neutral one." in line["content"]
    with Image.open(line["files"][0]) as shown:
        assert shown.size == (135, 105)
        small = np.asarray(shown.convert("RGB").resize((45, 35), Image.Resampling.BOX), float)
    with Image.open(source) as asked:
        assert np.abs(small - np.asarray(asked.resize((45, 35), Image.Resampling.BOX), float)).mean() < 4


async def test_upscale_under_a_picture_enlarges_it_by_its_own_prompt(
    stack: Stack, tmp_path: Path, posted: Posted
) -> None:
    """Pressed by another member, answered under the picture."""
    drawn = await converse(Errand("imagine", tmp_path, "a red star", options={"size": "64x64"}), stack)
    world, message = stack.server.world, await posted(drawn)
    await stack.server.member("max").press(message, "Upscale")
    larger = await world.wait_for(lambda m: m.reference_id == message.id and bool(m.attachments), timeout=200)
    assert (larger.attachments[0].width, larger.attachments[0].height) == (128, 128)
    assert "-# Caption: a red star" in larger.content


@pytest.mark.parametrize("option", [("factor", "9"), ("creativity", "-1")])
async def test_what_is_out_of_range_is_refused_before_it_is_sent(
    stack: Stack, tmp_path: Path, option: tuple[str, str]
) -> None:
    """By the member's own client, with the bound."""
    errand = Errand("upscale", tmp_path, images=(shaded(tmp_path / "in.png", 64, 64),), options=dict([option]))
    with pytest.raises(Refused, match=option[0]) as refused:
        await converse(errand, stack)
    assert refused.value.stage == "client"
