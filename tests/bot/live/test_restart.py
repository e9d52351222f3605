"""Buttons and menus posted by one process, pressed in the next, with an empty Redis in between."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from discord.ui import DynamicItem
from redis import Redis

from bot.client import BUTTONS, Flux2Bot
from bot.interactions.dialogue import DialogueButton
from bot.ledger.history import PAGE
from bot.ledger.job import State
from config.settings import BotSettings
from flux2.upsampling.openrouter import Access
from sandbox.member import Upload
from sandbox.server import SandboxServer
from tests.bot.live.pressing import SLOW, Garden, Press, answer, plant
from worker.contract import Heartbeat
from worker.heartbeat import Beacon
from worker.tasks.rewrite import Desk

Gpu = Any
Start = Callable[[BotSettings], Any]


@contextlib.asynccontextmanager
async def served(bot: Flux2Bot, gpu: Gpu, openrouter: Any) -> AsyncIterator[None]:
    """Everything asked for is drawn, rewritten and posted, but what is slow."""
    redis = Redis.from_url(bot.settings.redis_url.get_secret_value())
    desk = Desk(redis, gpu.blobs, Access("sk-or-test", openrouter.url, "test/eyes"), name="io-1-4")
    gpu.beat()
    Beacon(redis).beat(Heartbeat(name="io-1", role="io", state="idle", rewrites_with="test/eyes"), ttl_s=600)
    drawn: set[str] = set()

    async def work() -> None:
        while True:
            for job in await bot.services.ledger.open_jobs():
                is_slow = getattr(job.request, "num_inference_steps", 0) == SLOW["steps"]
                if job.state is State.DISPATCHED and not is_slow and job.id not in drawn:
                    drawn.add(job.id)
                    await gpu.draw(job)
                elif job.state is State.REWRITING and redis.lrem("rq:queue:io", 0, f"{job.id}-w1"):
                    await asyncio.to_thread(desk.rewrite, job.id)
                    await gpu.post(job.id)  # nothing to post where the words are a picture's
            await asyncio.sleep(0.02)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task  # raises what ended it early
        redis.close()


def _kinds(of: type[Any]) -> set[type[Any]]:
    """The concrete classes below one."""
    below = set(of.__subclasses__())
    return {one for one in below if not inspect.isabstract(one)}.union(*map(_kinds, below))


async def test_every_button_and_menu_outlives_a_restart(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start, openrouter: Any,
    picture: Callable[..., Upload], remember: Callable[[Flux2Bot, int, int], Awaitable[None]],
) -> None:  # fmt: skip
    """Each leads to its form, answer, picture or end; none is left out."""
    async with start(settings) as bot, served(bot, gpu, openrouter):
        garden: Garden = await plant(server, picture)
        await remember(bot, server.member("luna").id, PAGE + 1)
        history = await (await server.member("luna").slash("history", {"words": "fox no."})).answer()
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    redis.flushdb()
    redis.close()
    presses = [*garden.presses(), Press("luna", history, "Older ▶", answer)]
    used = {press.known_as for press in presses}
    async with start(settings) as bot, served(bot, gpu, openrouter):
        for press in presses:
            await press.carry_out(server)
    # Dialogues ask one member about one thing for a minute, and say so when they are too old.
    lasting = {item for item in _kinds(DynamicItem) if item.__module__.startswith("bot.")} - {DialogueButton}
    assert lasting <= set(BUTTONS), "a button that the client does not register"
    forgotten = [
        one for one in lasting if not any(re.fullmatch(one.__discord_ui_compiled_template__, name) for name in used)
    ]
    assert not forgotten, "buttons that nobody pressed here"
    entries = {one.name for one in server.member("ada").commands() if one.type == 3}
    assert entries <= used
