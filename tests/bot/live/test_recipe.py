"""Show recipe, in the menu of a message."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.ledger.job import Job
from flux2.images import encode
from flux2.provenance import Provenance
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
MADE = Provenance(model="klein-4b", prompt="a fox ``` @everyone", width=64, height=64, num_inference_steps=4, seed=9)


async def _recipe(server: SandboxServer, name: str, message: Message) -> Message:
    return await (await server.member(name).menu(message, "Show recipe")).answer()


async def test_the_ledger_knows_its_own_pictures(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """On the result and on the status message alike, for anybody, and for their eyes only."""
    options = {"prompt": "a red fox", "seed": 7, "size": "128x96"}
    status = await (await server.member("luna").slash("imagine", options)).answer()
    waiting = await _recipe(server, "max", status)
    job = await only_job()
    await gpu.draw(job)
    result = server.world.message((await closed(job.id)).result_message_id or 0)
    assert result is not None
    shown = await _recipe(server, "max", result)
    assert shown.ephemeral
    assert shown.content == waiting.content
    line = "/imagine prompt:a red fox size:128x96 model:sample steps:4 seed:7 format:webp quality:80"
    assert shown.content == f"To draw it again by hand, copy this:\n```\n{line}\n```"


async def test_a_json_prompt_comes_back_indented(server: SandboxServer, bot: Flux2Bot) -> None:
    """In a block and as a file that can be attached again."""
    scene = {"scene": "a pier", "camera": {"f-number": "f/2.8", "ISO": 200}}
    status = await (await server.member("luna").slash("imagine", {"prompt": json.dumps(scene)})).answer()
    assert status.content.startswith("“a pier”")
    shown = await _recipe(server, "luna", status)
    assert f"```json\n{json.dumps(scene, indent=2)}\n```" in shown.content
    (file,) = shown.attachments
    assert file.filename == "prompt.json"
    assert json.loads(await server.read(file)) == scene


async def test_a_file_from_elsewhere_is_read(server: SandboxServer, bot: Flux2Bot) -> None:
    """A PNG saved and posted again by a member still knows; what it says cannot leave its block."""
    picture = Image.new("RGB", (64, 64), "red")
    files = [Upload("plain.png", encode(picture, "png", 80)), Upload("made.png", encode(picture, "png", 80, MADE))]
    message = await server.member("max").say("look", files=files)
    shown = await _recipe(server, "luna", message)
    assert shown.content == (
        "Read from the file itself, which anybody can change:\n```\n"
        "/imagine prompt:a fox ˋˋˋ @everyone size:64x64 model:klein-4b steps:4 seed:9\n```"
    )
    assert shown.pinged == set()


@pytest.mark.parametrize("name", ["plain.png", "broken.png", "note.txt", None])
async def test_what_has_no_recipe_is_said(server: SandboxServer, bot: Flux2Bot, name: str | None) -> None:
    """A picture without metadata, a damaged file, a text, a message without files: one sentence."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    data = {"plain.png": file.getvalue(), "broken.png": file.getvalue()[:40], "note.txt": b"hi"}
    message = await server.member("max").say("look", files=[Upload(name, data[name])] if name else [])
    shown = await _recipe(server, "luna", message)
    assert shown.ephemeral
    assert shown.content.startswith("There is no recipe in my records for this message")


async def test_a_forged_button_is_not_believed(server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob) -> None:
    """A message of somebody else with one of our ids on it says nothing of our jobs."""
    await (await server.member("luna").slash("imagine", {"prompt": "a secret fox"})).answer()
    job = await only_job()
    message = await server.member("max").say("look")
    button = {"type": 2, "style": 1, "label": "Again", "custom_id": f"flux2:v1:again:{job.id}"}
    message.components = ({"type": 1, "components": [button]},)
    shown = await _recipe(server, "max", message)
    assert "secret" not in shown.content
