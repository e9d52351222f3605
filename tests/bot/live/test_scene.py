"""/scene: the form that builds a JSON prompt."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
FILLED = {
    "Scene": "a pier",
    "Subjects": "fox: red fur; running; foreground",
    "Look": "style: watercolour\nlighting: \nmood: calm",
    "Colours": "navy, #e8aa14",
    "Composition, camera and effects": ["Composition: rule of thirds", "Lens: 35mm", "Effects: film grain"],
}


async def test_a_filled_form_is_drawn_like_a_command(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Five inputs; the answer is a status message with a thread, and the options of the command count."""
    luna = server.member("luna")
    modal = (await luna.slash("scene", {"size": "128x96", "seed": 7, "count": 2})).modal
    assert [shown.label for shown in modal.fields] == list(FILLED)
    status = await (await luna.submit(modal, FILLED)).answer()
    assert not status.ephemeral
    job = await only_job()
    assert json.loads(job.request.prompt) == {
        "scene": "a pier",
        "subjects": [{"type": "fox", "description": "red fur", "pose": "running", "position": "foreground"}],
        "style": "watercolour",
        "color_palette": ["navy", "#E8AA14"],
        "mood": "calm",
        "composition": "rule of thirds",
        "camera": {"lens": "35mm"},
        "effects": ["film grain"],
    }
    assert (job.request.width, job.request.height, job.request.seed, job.request.count) == (128, 96, 7, 2)
    await gpu.draw(job)
    done = await closed(job.id)
    assert server.world.is_thread(done.result_channel_id or 0)


async def test_a_wrong_form_is_one_sentence(server: SandboxServer, bot: Flux2Bot) -> None:
    """Two lenses, or nothing at all: for the member alone, and nothing is queued."""
    luna = server.member("luna")
    for values, words in (
        ({"Composition, camera and effects": ["Lens: 35mm", "Lens: 85mm"]}, "Choose one lens, not 35mm and 85mm."),
        ({}, "The form is empty; say at least what the scene is or who is in it."),
    ):
        modal = (await luna.slash("scene")).modal
        answer = await (await luna.submit(modal, values)).answer()
        assert answer.ephemeral
        assert answer.content == words
    assert await bot.services.ledger.open_jobs() == []


async def test_options_are_refused_before_anybody_types(server: SandboxServer, bot: Flux2Bot) -> None:
    """A size the model does not draw is said at once, not after the form was filled in."""
    answer = await (await server.member("luna").slash("scene", {"size": "4"})).answer()
    assert answer.ephemeral
    assert "at most 2 megapixels" in answer.content
