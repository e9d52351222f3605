"""Direct messages with the bot: everything a member can do, without a server, its roles and its threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job
from config.settings import BotSettings
from sandbox.server import SandboxServer

Gpu = Any
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]


async def test_a_picture_its_buttons_and_its_edits_live_in_direct_messages(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Drawn, drawn again by a press and changed by a reply without ping, found again; no thread, no server."""
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "a red fox"}, channel=luna.dm)).answer()
    job = await only_job()
    assert (job.guild_id, job.channel_id) == (None, luna.dm.id)
    await gpu.draw(job)
    done = await closed(job.id)
    picture = server.world.message(done.result_message_id or 0)
    assert picture is not None
    assert (picture.channel_id, len(picture.attachments), picture.thread) == (luna.dm.id, 1, None)
    assert f"/channels/@me/{luna.dm.id}/{picture.id}" in status.content

    await luna.press(picture, "Again")
    await server.world.wait_for(lambda m: m.reference_id == picture.id and "Cancel" in m.labels())
    again = await only_job()
    assert (again.parent_id, again.channel_id) == (job.id, luna.dm.id)
    await gpu.draw(again)
    second = server.world.message((await closed(again.id)).result_message_id or 0)
    assert second is not None

    reply = await luna.reply(second, "make it blue", ping=False)
    await server.world.wait_for(lambda m: m.reference_id == reply.id and "Cancel" in m.labels())
    edit = await only_job()
    assert (edit.parent_id, edit.request.prompt) == (again.id, "make it blue")

    listed = await (await luna.slash("history", channel=luna.dm)).answer()
    assert f"`{job.id}`" in listed.content
    assert "drawn nothing here yet" in (await (await luna.slash("history")).answer()).content


async def test_in_direct_messages_the_operators_figure_counts(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """So many pictures a day, told with what is left; the server's members keep their own count there."""
    luna = server.member("luna")
    async with start(settings.model_copy(update={"pictures_per_day_outside": 1})):
        await (await luna.slash("imagine", {"prompt": "a red fox"}, channel=luna.dm)).answer()
        refused = await (await luna.slash("imagine", {"prompt": "a blue fox"}, channel=luna.dm)).follow_up()
        assert "You have used 1 of 1 pictures for today" in refused.content
        assert "Left for today: 0 of 1 pictures" in (await (await luna.slash("jobs", channel=luna.dm)).answer()).content
        assert "Cancel" in (await (await luna.slash("imagine", {"prompt": "a fox"})).answer()).labels()


@pytest.mark.slow
async def test_an_operator_can_keep_the_bot_to_its_servers(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """No command is offered in direct messages then, and what an old button asks for is refused."""
    luna = server.member("luna")
    async with start(settings) as bot:
        await (await luna.slash("imagine", {"prompt": "a red fox"}, channel=luna.dm)).answer()
        (job,) = await bot.services.ledger.open_jobs()
        await gpu.draw(job)
    picture = await server.world.wait_for(lambda m: m.channel_id == luna.dm.id and bool(m.attachments))
    async with start(settings.model_copy(update={"direct_messages": False})):
        assert luna.commands(luna.dm) == []
        refused = await (await luna.press(picture, "Again")).follow_up()
        assert refused.content == "I do not draw in direct messages; ask me on a server I am a member of."
