"""Styles, JSON prompts, colours and recipes, through every process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flux2 import provenance
from sandbox.once import Errand, Refused, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")
SCENE = {"scene": "a blue star on a yellow background", "camera": {"f-number": "f/2.8", "ISO": 200}}


async def imagine(stack: Stack, out: Path, prompt: str, *images: Path, **options: str) -> dict[str, Any]:
    """Send /imagine and return once's JSON line."""
    return await converse(Errand("imagine", out, prompt, images, {"format": "png", **options}), stack)


def _said_by(line: dict[str, Any]) -> provenance.Provenance | None:
    """What the first picture's file says of itself."""
    return provenance.read(Path(line["files"][0]).read_bytes())


async def test_a_style_reaches_the_picture_and_its_recipe(stack: Stack, tmp_path: Path) -> None:
    """What was drawn, what its file says and what Show recipe says are the styled words and the seed."""
    line = await imagine(stack, tmp_path, "a red circle", style="digicam", seed="5")
    assert line["request"]["prompt"] == "a red circle, 2000s digicam style"
    made = _said_by(line)
    assert made is not None
    assert (made.prompt, made.seed, made.model) == ("a red circle, 2000s digicam style", 5, "sample")
    message = stack.server.world.message(int(line["message_id"]))
    assert message is not None
    shown = await (await stack.server.member("max").menu(message, "Show recipe")).answer()
    assert "/imagine prompt:a red circle, 2000s digicam style size:128x128 model:sample steps:4 seed:5" in shown.content


async def test_a_json_file_is_drawn_and_called_by_its_scene(stack: Stack, tmp_path: Path) -> None:
    """The attached JSON is the request's prompt; the message and the alt text speak of the scene."""
    file = tmp_path / "scene.json"
    file.write_text(json.dumps(SCENE))
    line = await imagine(stack, tmp_path, "json", file)
    assert json.loads(line["request"]["prompt"]) == SCENE
    assert "“a blue star on a yellow background”" in line["content"]


async def test_negative_prompts_cost_no_picture(stack: Stack, tmp_path: Path) -> None:
    """Refused by the bot, with words to use instead."""
    with pytest.raises(Refused, match="for example: “a circle, clean, unlettered surfaces”") as refused:
        await imagine(stack, tmp_path, "a circle --no text")
    assert refused.value.stage == "bot"
