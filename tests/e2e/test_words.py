"""Words from a hosted language model, through every process, and a lane that dies over them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from PIL import Image

from sandbox.once import Errand, Refused, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "a calm red fox in tall golden grass"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory, _openrouter_host: Any) -> AsyncIterator[Stack]:
    """The whole product with a key for a language model, and a rule about what may be asked for."""
    folder = tmp_path_factory.mktemp("words")
    rules = folder / "rules.toml"
    rules.write_text('deny = ["gore"]\n')
    settings = {**_openrouter_host.settings, "FLUX2_SCREEN_RULES": str(rules), "RECONCILE_INTERVAL_S": "1"}
    async with Stack(folder, settings=settings) as running:
        running.server.world.ack_s = 30
        yield running


async def test_imagine_is_drawn_from_the_rewritten_words(stack: Stack, tmp_path: Path, openrouter: Any) -> None:
    """The result shows old and new words and who wrote them; a screen reader hears the new ones; one question."""
    line = await converse(Errand("imagine", tmp_path, "a fox", options={"upsample": "openrouter"}), stack)
    assert line["request"]["prompt"] == WORDS
    assert "“a fox”" in line["content"]
    assert f"> {WORDS}" in line["content"]
    assert "Prompt rewritten by test/eyes." in line["content"]
    message = stack.server.world.message(int(line["message_id"]))
    assert message is not None
    assert message.attachments[0].description == f"AI-generated picture: {WORDS}"
    assert len(openrouter.questions) == 1


async def test_enhance_and_describe_come_back_as_words(stack: Stack, tmp_path: Path, openrouter: Any) -> None:
    """A diff of the prompt, a description of the picture; nothing is drawn."""
    line = await converse(Errand("enhance", tmp_path, "a fox"), stack)
    assert "a **calm red** fox **in tall golden grass**" in line["content"]
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    line = await converse(Errand("describe", tmp_path, images=(tmp_path / "red.png",)), stack)
    assert (WORDS in line["content"], line["files"]) == (True, [])


async def test_a_failure_is_said_on_the_picture(stack: Stack, tmp_path: Path, openrouter: Any) -> None:
    """No credit left: the member's own words are drawn, and the result says why."""
    openrouter.default = openrouter.failure(402)
    line = await converse(Errand("imagine", tmp_path, "a red circle", options={"upsample": "openrouter"}), stack)
    assert line["request"]["prompt"] == "a red circle"
    assert "The credit at OpenRouter is used up" in line["content"]
    assert "Your own prompt was drawn." in line["content"]


async def test_what_is_not_allowed_is_one_sentence(stack: Stack, tmp_path: Path, openrouter: Any) -> None:
    """Asked for by the member, or brought in by the rewrite: nothing is drawn, and it is not tried again."""
    with pytest.raises(Refused, match="“gore” is not allowed here") as asked:
        await converse(Errand("imagine", tmp_path, "a lot of gore"), stack)
    assert asked.value.code == "refused"
    openrouter.default = openrouter.completion("a fox with a lot of gore")
    with pytest.raises(Refused, match="the rewritten prompt was refused"):
        await converse(Errand("imagine", tmp_path, "a fox", options={"upsample": "openrouter"}), stack)
    assert len(openrouter.questions) == 1


@pytest.mark.slow
async def test_a_killed_lane_loses_no_picture_and_pays_no_second_time(
    stack: Stack, tmp_path: Path, openrouter: Any
) -> None:
    """SIGKILL of the io worker while the model thinks: the picture is drawn from the member's own words, said so."""
    openrouter.holds.clear()
    errand = Errand("imagine", tmp_path, "a red circle", options={"upsample": "openrouter"}, timeout_s=110)
    going = asyncio.create_task(converse(errand, stack))
    await asyncio.to_thread(openrouter.wait_for_question)
    worker = stack.children["io"]
    lanes = psutil.Process(worker.pid).children(recursive=True)
    for lane in lanes:
        lane.kill()
    worker.kill()
    psutil.wait_procs(lanes, timeout=60)
    openrouter.holds.set()
    worker.start()
    line = await going
    assert line["request"]["prompt"] == "a red circle"
    assert re.search(r"interrupted and is not asked for twice\. Your own prompt was drawn\.", line["content"])
    assert len(openrouter.questions) == 1


async def test_an_upscale_is_captioned_first(stack: Stack, tmp_path: Path, openrouter: Any) -> None:
    """The hosted model looks at the picture, its words steer the upscale, and whose they are is said."""
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    wish = Errand("upscale", tmp_path, images=(tmp_path / "red.png",), options={"steps": "4"})
    line = await converse(wish, stack)
    assert "The caption is by test/eyes." in line["content"]
    assert WORDS in line["content"]
    assert line["request"]["caption"] == WORDS
    assert len(openrouter.questions) == 1
    openrouter.default = openrouter.failure(402)
    line = await converse(wish, stack)
    assert "the caption is a neutral one" in line["content"]
