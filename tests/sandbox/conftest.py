"""A local Discord per test, and the real discord.py pointed at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import discord
import pytest
from discord.ext import commands
from yarl import URL

from sandbox.member import Member
from sandbox.message import Message
from sandbox.server import SandboxServer
from sandbox.world import World

UNPRIVILEGED = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)

Bot = commands.AutoShardedBot
Connect = Callable[..., Awaitable[Bot]]


@pytest.fixture
async def server() -> AsyncIterator[SandboxServer]:
    """A fresh world on a free port."""
    async with await SandboxServer.start() as running:
        yield running


@pytest.fixture
def world(server: SandboxServer) -> World:
    """What the server serves."""
    return server.world


@pytest.fixture
def luna(server: SandboxServer) -> Member:
    """A member's client."""
    return server.member("luna")


@pytest.fixture
async def connect(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Make bots of the real library; `await connect(prepare)` returns one that is ready and has synced its commands."""
    monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL(server.gateway_url))
    bots: list[Bot] = []
    running: list[asyncio.Task[None]] = []

    async def start(
        prepare: Callable[[Bot], None] | None = None,
        *,
        intents: discord.Intents = UNPRIVILEGED,
        token: str | None = None,
    ) -> Bot:
        bot = Bot(
            command_prefix=commands.when_mentioned,
            intents=intents,
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.05,
        )
        bots.append(bot)
        if prepare is not None:
            prepare(bot)
        await bot.login(token or server.world.token)
        if bot.tree.get_commands():
            await bot.tree.sync()
        task = asyncio.create_task(bot.connect())
        running.append(task)
        await _first(bot.wait_until_ready(), task)
        return bot

    yield start
    for bot in bots:
        await bot.close()
    for task in running:
        with contextlib.suppress(discord.DiscordException, asyncio.CancelledError):
            await task


async def _first(ready: Awaitable[None], running: asyncio.Task[None]) -> None:
    """Wait until the bot is ready; if it ends before, raise why."""
    waiting = asyncio.ensure_future(ready)
    done, _ = await asyncio.wait({waiting, running}, return_when=asyncio.FIRST_COMPLETED)
    if waiting not in done:
        waiting.cancel()
        await running


@pytest.fixture
async def bot(connect: Connect) -> Bot:
    """A ready bot without commands."""
    return await connect()


@pytest.fixture
def pictures(bot: Bot, world: World) -> discord.TextChannel:
    """#pictures as the library sees it."""
    channel = bot.get_channel(world.channel("pictures").id)
    assert isinstance(channel, discord.TextChannel)
    return channel


@pytest.fixture
def heard(bot: Bot) -> Heard:
    """What the bot is told of messages."""
    return Heard(bot)


class Heard:
    """Collects the messages a bot is told of."""

    def __init__(self, bot: Bot) -> None:
        self.messages: list[discord.Message] = []
        self._arrived = asyncio.Condition()
        bot.add_listener(self._on_message, "on_message")

    async def _on_message(self, message: discord.Message) -> None:
        async with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    async def of(self, message: Message) -> discord.Message:
        """The library's view of a message of the world. Raises TimeoutError."""
        async with asyncio.timeout(60), self._arrived:
            await self._arrived.wait_for(lambda: any(one.id == message.id for one in self.messages))
        return next(one for one in self.messages if one.id == message.id)
