"""/privacy: what is kept is told and handed over, and forgetting leaves nothing behind anywhere."""

from __future__ import annotations

import asyncio
import io
import json
import os
import time
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import Connection

from bot.client import Flux2Bot
from bot.ledger import erasure
from bot.ledger.audit import Actor
from bot.ledger.erasure import Erased, Erasure
from bot.ledger.job import Job
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.ledger.rules import Scope
from bot.privacy import Retention
from bot.queue import WorkQueue
from config.settings import BotSettings
from sandbox.member import Upload
from sandbox.server import SandboxServer

Gpu = Any
Closed = Callable[[str], Awaitable[Job]]
Picture = Callable[..., Upload]
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]
MARKER = "zanzibarquux"


def _ledger_bytes(settings: BotSettings) -> bytes:
    """The ledger as it lies on the disk, log included: deleted rows would still stand there."""
    file = Path(settings.database_url.get_secret_value().partition("///")[2])
    return b"".join(path.read_bytes() for path in file.parent.glob(file.name + "*"))


def _redis_bytes(settings: BotSettings) -> bytes:
    """Every key and value."""
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        return b"".join(key + (redis.dump(key) or b"") for key in redis.scan_iter("*"))


def _blobs(settings: BotSettings) -> list[Path]:
    return list(Path(settings.blob_url.removeprefix("file://")).glob("??/*"))


async def _comes_true(claim: Callable[[], bool]) -> bool:
    """Whether it does within a minute: a sweep that was begun elsewhere may still be at it."""
    for _ in range(600):
        if claim():
            return True
        await asyncio.sleep(0.1)
    return False


async def _forgotten(bot: Flux2Bot) -> None:
    """Wait until nothing is left to be forgotten."""
    for _ in range(600):
        if not await bot.services.ledger.forgetting.pending():
            return
        await bot.services.privacy.sweep()
        await asyncio.sleep(0.1)


async def _live(server: SandboxServer, bot: Flux2Bot, gpu: Gpu, closed: Closed, picture: Picture) -> Job:
    """Leave traces everywhere: a drawn picture with a reference, a waiting one, a preset, preferences."""
    luna = server.member("luna")
    options = {"prompt": f"{MARKER} drawn", "image1": picture()}
    await (await luna.slash("imagine", options)).answer()
    (job,) = await bot.services.ledger.open_jobs()
    await gpu.draw(job)
    job = await closed(job.id)
    await bot.services.ledger.set_paused("", by=0)
    await (await luna.slash("imagine", {"prompt": f"{MARKER} waiting"})).answer()
    await (await luna.slash("settings", {"aspect": "16:9"})).answer()
    return job


async def test_forgetting_leaves_nothing_in_ledger_redis_blobs_or_logs(
    server: SandboxServer,
    settings: BotSettings,
    bot: Flux2Bot,
    gpu: Gpu,
    closed: Closed,
    picture: Picture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was planted is found before and nowhere after; somebody else's things stay; what waited is cancelled."""
    await (await server.member("max").slash("imagine", {"prompt": "a cat by max"})).answer()
    (others,) = await bot.services.ledger.open_jobs()
    await bot.services.dispatcher.cancel(others.id)
    await closed(others.id)
    job = await _live(server, bot, gpu, closed, picture)
    assert MARKER.encode() in _ledger_bytes(settings)
    assert MARKER.encode() in _redis_bytes(settings)
    assert len(_blobs(settings)) == 2
    luna = server.member("luna")
    question = await (await luna.slash("privacy delete")).answer()
    assert question.ephemeral
    await luna.press(question, "Forget me")
    await server.world.wait_for(lambda one: one.id == question.id and one.content.startswith(("Forgotten", "Being")))
    await _forgotten(bot)
    assert await bot.services.ledger.open_jobs() == []
    assert await bot.services.ledger.get(job.id) is None
    assert await _comes_true(lambda: MARKER.encode() not in _ledger_bytes(settings))
    assert await _comes_true(lambda: MARKER.encode() not in _redis_bytes(settings))
    assert await _comes_true(lambda: _blobs(settings) == [])
    assert MARKER not in caplog.text
    late = WorkQueue.connect(settings.redis_url.get_secret_value())  # somebody who had looked a moment before
    await late.write_job(job)
    await late.close()
    await bot.services.privacy.sweep()
    assert MARKER.encode() not in _redis_bytes(settings)
    kept = await bot.services.ledger.forgetting.dossier(luna.id)
    assert {name for name, rows in kept.items() if rows} <= {"usage", "charges"}
    assert await bot.services.ledger.get(others.id) is not None


async def test_a_shared_picture_stays_for_the_other(
    server: SandboxServer, settings: BotSettings, bot: Flux2Bot, picture: Picture
) -> None:
    """Two members attached the same file, which is one blob; it goes with the last of them."""
    for name in ("luna", "max"):
        options = {"prompt": "a fox", "image1": picture()}
        await (await server.member(name).slash("imagine", options)).answer()
    assert len(_blobs(settings)) == 1
    privacy = bot.services.privacy
    for name, left in (("luna", 1), ("max", 0)):
        await privacy.forget_member(server.member(name).id)
        await _forgotten(bot)
        assert await _comes_true(lambda left=left: len(_blobs(settings)) == left)


async def test_what_ends_while_it_is_being_forgotten_leaves_nothing(
    server: SandboxServer, settings: BotSettings, bot: Flux2Bot, gpu: Gpu, caplog: pytest.LogCaptureFixture
) -> None:
    """A picture that is posted after its member asked, and one being drawn that stops at its next step."""
    luna, ledger = server.member("luna"), bot.services.ledger
    for prompt in ("drawn", "running"):
        await (await luna.slash("imagine", {"prompt": f"{MARKER} {prompt}"})).answer()
    drawn, running = await ledger.open_jobs()
    attempt = await gpu.begin(drawn.id)
    assert await gpu.finish(drawn, attempt)
    attempt = await gpu.begin(running.id)
    assert not await bot.services.privacy.forget_member(luna.id)
    await gpu.post(drawn.id)
    assert gpu.fence.is_cancelled(running.id)
    gpu.fence.stop(running.id, attempt)
    await _forgotten(bot)
    assert [await ledger.get(job.id) for job in (drawn, running)] == [None, None]
    assert await _comes_true(lambda: MARKER.encode() not in _ledger_bytes(settings) + _redis_bytes(settings))
    assert await _comes_true(lambda: _blobs(settings) == [])
    assert MARKER not in caplog.text


async def test_who_asks_while_redis_is_away_is_forgotten_once_it_is_back(
    server: SandboxServer, bot: Flux2Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wish is kept and the member reads that it is being carried out, not that something went wrong."""
    luna = server.member("luna")
    await (await luna.slash("settings", {"aspect": "16:9"})).answer()
    forget, is_away = bot.services.privacy._forget_in_redis, True

    def away(job_ids: list[str]) -> None:
        if is_away:
            raise RedisConnectionError("away")
        forget(job_ids)

    monkeypatch.setattr(bot.services.privacy, "_forget_in_redis", away)
    question = await (await luna.slash("privacy delete")).answer()
    await luna.press(question, "Forget me")
    await server.world.wait_for(lambda one: one.id == question.id and one.content.startswith("Being forgotten"))
    is_away = False
    await _forgotten(bot)
    assert "I keep now:** nothing." in (await (await luna.slash("privacy show")).answer()).content


async def test_a_picture_that_is_put_again_meanwhile_stays(
    server: SandboxServer, settings: BotSettings, bot: Flux2Bot, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between forgetting the last job that names a blob and deleting it, somebody else attaches the same picture."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a fox", "image1": picture()})).answer()
    (lying,), carry_out = _blobs(settings), erasure.carry_out

    def put_after(connection: Connection, wanted: Erasure) -> tuple[Erased, bool]:
        done = carry_out(connection, wanted)
        os.utime(lying, (time.time() + 1,) * 2)
        return done

    monkeypatch.setattr(erasure, "carry_out", put_after)
    for _ in range(600):
        if await bot.services.privacy.forget_member(luna.id):
            break
        await asyncio.sleep(0.1)
    assert await bot.services.ledger.open_jobs() == []
    assert _blobs(settings) == [lying]


async def test_show_and_export_tell_all_of_it(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, closed: Closed, picture: Picture
) -> None:
    """The member reads what is kept and for how long, and gets every row and picture without anybody's secrets."""
    await _live(server, bot, gpu, closed, picture)
    luna = server.member("luna")
    shown = await (await luna.slash("privacy show")).answer()
    assert shown.ephemeral
    for words in (
        "pictures asked for, with prompt and options (2)",
        "preferences (1)",
        "for 30 days",
        "without GPS",
        "/privacy delete",
    ):
        assert words in shown.content
    exported = await (await luna.slash("privacy export")).answer()
    assert exported.ephemeral
    archive = zipfile.ZipFile(io.BytesIO(await server.read(exported.attachments[0])))
    copy, *pictures = archive.namelist()
    assert {archive.read(name)[1:4] for name in pictures} == {b"PNG"}
    assert len(pictures) == 2  # what was drawn, and its reference
    document = json.loads(archive.read(copy))
    assert [job["request"]["prompt"] for job in document["jobs"]] == [f"{MARKER} drawn", f"{MARKER} waiting"]
    assert "interaction_token" not in json.dumps(document)
    nothing = await (await server.member("max").slash("privacy show")).answer()
    assert "I keep now:** nothing." in nothing.content


async def test_retention_lets_pictures_go_and_keeps_recipes(
    server: SandboxServer, settings: BotSettings, bot: Flux2Bot, gpu: Gpu, closed: Closed, picture: Picture
) -> None:
    """After their days pictures leave the blobs; the prompt stays until its own days are over."""
    job = await _live(server, bot, gpu, closed, picture)
    privacy, forgetting = bot.services.privacy, bot.services.ledger.forgetting
    await privacy.sweep()
    assert len(_blobs(settings)) == 2
    freed = await forgetting.retire_pictures(now() + timedelta(seconds=1))
    assert len(freed) == 2
    assert await bot.services.ledger.get(job.id) is not None
    privacy.retention = Retention(30, 1, 365)
    await privacy.sweep()
    assert await bot.services.ledger.get(job.id) is not None
    gone = await forgetting.retire_jobs(now() + timedelta(seconds=1))
    assert gone.job_ids == [job.id]
    assert await bot.services.ledger.get(job.id) is None


async def test_a_left_server_is_forgotten_also_when_nobody_looked(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """Rules and jobs of a server the bot is no longer in go at the next start; those of others stay."""
    elsewhere = 4242 << 22
    async with start(settings) as bot:
        for guild_id in (elsewhere, server.world.guild.id):
            actor = Actor(1, guild_id)
            await bot.services.ledger.governance.change(actor, "x", (Scope.GUILD, 0), lambda _: {"steps": 9})
    async with start(settings) as bot:
        for _ in range(600):
            known = await bot.services.ledger.forgetting.known_guilds()
            if elsewhere not in known:
                break
            await asyncio.sleep(0.05)
        assert known == {server.world.guild.id}


async def test_servers_of_the_application_before_are_not_taken_for_left(ledger: Ledger) -> None:
    """Whoever gives a ledger another application keeps what the servers decided, until that one was added and left."""
    for guild_id in (1, 2, 3):
        await ledger.governance.change(Actor(7, guild_id), "x", (Scope.GUILD, 0), lambda _: {"steps": 9})
    forgetting = ledger.forgetting
    assert await forgetting.left_guilds({1, 2}, 50) == ({3}, set())
    assert await forgetting.left_guilds({1}, 60) == (set(), {2, 3})
    assert await forgetting.left_guilds({1, 2}, 60) == (set(), {3})
    assert await forgetting.left_guilds({1}, 60) == ({2}, {3})
