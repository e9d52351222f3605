"""/jobs, /admin and /help, and how commands are made known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from bot import command_sync
from bot.client import Flux2Bot
from bot.ledger.job import Job, Outcome
from bot.ledger.ledger import Ledger
from config.settings import BotSettings
from sandbox.faults import Fail, Fault
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]


async def test_jobs_lists_a_members_own_and_cancels_them(server: SandboxServer, bot: Flux2Bot, closed: Closed) -> None:
    """Each open job has a line and a numbered button; another member's are not there, and only the member sees it."""
    luna, other = server.member("luna"), server.member("max")
    for prompt in ("a red fox", "a blue fox"):
        await (await luna.slash("imagine", {"prompt": prompt})).answer()
    await (await other.slash("imagine", {"prompt": "a cat"})).answer()
    listed = await (await luna.slash("jobs")).answer()
    assert listed.ephemeral
    assert listed.labels() == ["Cancel 1", "Cancel 2"]
    first, second = listed.content.split("\n")
    assert first.startswith("1. “a red fox” · Next in the queue")
    assert second.startswith("2. “a blue fox” · Queued ")
    answer = await (await luna.press(listed, "Cancel 2")).follow_up()
    assert answer.ephemeral
    jobs = {job.request.prompt: job for job in await bot.services.ledger.open_jobs()}
    assert set(jobs) == {"a red fox", "a cat"}


async def test_jobs_with_nothing_to_show_says_how_to_begin(server: SandboxServer, bot: Flux2Bot) -> None:
    """An empty list is a sentence."""
    listed = await (await server.member("luna").slash("jobs")).answer()
    assert listed.ephemeral
    assert "/imagine" in listed.content
    assert listed.labels() == []


async def test_a_picture_nobody_took_is_kept_for_jobs(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """When channel, fallback and DM refuse a result, /jobs still posts it through the interaction."""
    luna = server.member("luna")
    luna.close_dms()
    status = await (await luna.slash("imagine", {"prompt": "a red fox", "format": "png"})).answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    assert await gpu.finish(job, attempt)
    refusal = Fault("POST", r"/channels/\d+/messages$", Fail(403, 50013), count=None)
    server.world.faults.add(refusal)
    await gpu.post(job.id)
    assert (await closed(job.id)).outcome is Outcome.UNDELIVERABLE
    final = server.world.message(status.id)
    assert final is not None
    assert "/jobs" in final.content
    listed = await (await luna.slash("jobs")).answer()
    assert listed.labels() == ["Post again"]
    posted = await (await luna.press(listed, "Post again")).follow_up()
    assert [file.filename for file in posted.attachments] == [f"flux2-{job.id}-1.png"]
    assert posted.attachments[0].description == "AI-generated picture: a red fox"
    assert posted.labels() == ["Again", "Vary", "Edit", "Upscale", "More…"]


async def test_help_is_for_the_asker_alone(server: SandboxServer, bot: Flux2Bot) -> None:
    """/help explains the ways to draw."""
    answer = await (await server.member("luna").slash("help")).answer()
    assert answer.ephemeral
    assert "/imagine" in answer.content


async def test_suggestions_follow_the_fleet(server: SandboxServer, bot: Flux2Bot) -> None:
    """Models come from the workers, sizes from what may be typed."""
    luna = server.member("luna")
    assert await luna.autocomplete("imagine", "model", "sam") == [{"name": "sample", "value": "sample"}]
    assert await luna.autocomplete("imagine", "model", "klein") == []
    assert "0.5" in [choice["value"] for choice in await luna.autocomplete("imagine", "size", "")]
    assert [choice["value"] for choice in await luna.autocomplete("imagine", "size", "640x4")] == ["640x4"]


async def test_commands_are_synced_only_when_they_changed(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """A restart with the same commands does not touch them: Discord limits how many are made a day."""

    def syncs() -> int:
        return sum(call.method == "PUT" and call.path.endswith("/commands") for call in server.calls)

    for _ in range(2):
        async with start(settings):
            assert syncs() == 1
    ledger = await Ledger.open(settings.database_url.get_secret_value())
    await ledger.set_command_hash("that of other commands")
    await ledger.close()
    async with start(settings):
        assert syncs() == 2


def _counted(payload: Any) -> int:
    """Characters as Discord counts them: names, descriptions and string values, options and choices included."""
    own = sum(len(value) for key in ("name", "description", "value") if isinstance(value := payload.get(key), str))
    return own + sum(_counted(part) for key in ("options", "choices") for part in payload.get(key) or ())


async def test_every_command_fits_into_discords_limit(bot: Flux2Bot) -> None:
    """Names, descriptions and choices of one command are at most 8000 characters."""
    payloads = await command_sync.payloads(bot.tree)
    assert {payload["name"] for payload in payloads} >= {"admin", "help", "imagine", "jobs"}
    for payload in payloads:
        assert _counted(payload) <= 8000, payload["name"]
        is_admins = payload["name"] in ("admin", "doctor", "Report")
        assert payload["contexts"] == ([0] if is_admins else [0, 1])
        assert payload["integration_types"] == [0]
