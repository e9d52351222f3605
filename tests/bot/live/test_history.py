"""/history: found by words, model, day and favourites, in pages; posted again by id, with what it came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job
from bot.ledger.rows import now
from sandbox.member import ClientRefused
from sandbox.message import Message
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Draw = Callable[[str], Awaitable[Job]]


@pytest.fixture
def draw(drawn: Callable[..., Awaitable[tuple[Job, Message]]]) -> Draw:
    """Draws a prompt for luna."""

    async def one(prompt: str) -> Job:
        job, _ = await drawn(prompt=prompt)
        return job

    return one


async def test_pictures_are_found_and_only_ones_own(server: SandboxServer, bot: Flux2Bot, draw: Draw) -> None:
    """Words in any case and order, model, day and favourites narrow the list; others see nothing of it."""
    fox, cat = await draw("a red Fox in snow"), await draw("un chat 100 % bleu")
    luna = server.member("luna")
    both = await (await luna.slash("history")).answer()
    assert both.ephemeral
    assert both.content.index(cat.id) < both.content.index(fox.id)
    await bot.services.ledger.favourites.toggle(luna.id, fox.id)
    today = now().date()
    for options, expected in [
        ({"words": "snow fox"}, fox),
        ({"words": "100 %"}, cat),
        ({"favourites": True}, fox),
        ({"words": "fox", "model": "sample", "since": str(today - timedelta(days=1)), "until": str(today)}, fox),
    ]:
        found = await (await luna.slash("history", options)).answer()
        other = cat if expected is fox else fox
        assert expected.id in found.content
        assert other.id not in found.content
    for options in ({"words": "fox cat"}, {"model": "dev"}, {"until": "2020-01-01"}):
        assert "fits that" in (await (await luna.slash("history", options)).answer()).content
    assert "only 1 page" in (await (await luna.slash("history", {"page": 2})).answer()).content
    assert "begin with /imagine" in (await (await server.member("max").slash("history")).answer()).content
    assert "year, month, day" in (await (await luna.slash("history", {"since": "gestern"})).answer()).content


async def test_a_picture_is_posted_again_with_its_lineage(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, draw: Draw, only_job: OnlyJob, closed: Closed
) -> None:
    """By its owner, with the way back to what it came from; not by others, and no id that is none."""
    before = await draw("a red fox")
    luna = server.member("luna")
    shown = server.world.message(before.result_message_id or 0)
    assert shown is not None
    await luna.reply(shown, "make it blue")
    await server.world.wait_for(lambda m: "Cancel" in m.labels())
    job = await only_job()
    await gpu.draw(job)
    job = await closed(job.id)
    edited = server.world.message(job.result_message_id or 0)
    assert edited is not None
    assert f"\n-# v2 ← [v1](<https://discord.com/channels/{job.guild_id}/{before.result_channel_id}" in edited.content
    again = await (await luna.slash("history", {"id": job.id}, channel="lounge")).answer()
    assert not again.ephemeral
    assert len(again.attachments) == 1
    assert f"v2](<https://discord.com/channels/{job.guild_id}/{job.result_channel_id}" in again.content
    assert f"{before.result_message_id}>)" in again.content
    refused = await (await server.member("max").slash("history", {"id": job.id})).answer()
    assert "another member's picture" in refused.content
    assert "16 signs" in (await (await luna.slash("history", {"id": "7"})).answer()).content


async def test_pages_are_turned_in_place(
    server: SandboxServer, bot: Flux2Bot, remember: Callable[[Flux2Bot, int, int], Awaitable[None]]
) -> None:
    """Two buttons, each dead at its end of the list; what was looked for stays; nothing new is posted."""
    luna = server.member("luna")
    await remember(bot, luna.id, 17)
    first = await (await luna.slash("history", {"words": "fox"})).answer()

    async def turned(button: str, page: int) -> Message:
        shown = server.world.message(first.id)
        assert shown is not None
        await (await luna.press(shown, button)).acknowledged()
        return await server.world.wait_for(lambda m: m.id == first.id and f"page {page} of 3" in m.content)

    assert "9. “a fox no. 9”" in (await turned("Older ▶", 2)).content
    last = await turned("Older ▶", 3)
    assert "17. “a fox no. 1”" in last.content
    assert last.ephemeral
    with pytest.raises(ClientRefused, match="disabled"):
        await luna.press(last, "Older ▶")
    assert "“a fox no. 9”" in (await turned("◀ Newer", 2)).content
    with pytest.raises(ClientRefused, match="disabled"):
        await luna.press(await turned("◀ Newer", 1), "◀ Newer")
