"""A real browser, a local Discord with a showcase bot for all tests of a session, and a page of its own for each."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import discord
import pytest
import pytest_asyncio
from discord.ext import commands
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from yarl import URL

from sandbox.guild import Channel
from sandbox.server import SandboxServer
from sandbox.stack import Stack
from tests.sandbox.page.showcase import Showcase

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 60_000
"""How long a state may take on a busy machine; nothing waits longer than it has to."""

expect.set_options(timeout=_PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is. Without one these tests are left out, but not in CI."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        words = "No Chromium on PATH: the browser tests were left out. On Debian and Ubuntu: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """One browser process for the session; each test has a context of its own."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[SandboxServer]:
    """A world for all tests that need no workers."""
    async with await SandboxServer.start() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def showcase(server: SandboxServer) -> AsyncIterator[Showcase]:
    """The showcase bot, connected and with its commands registered."""
    shown = Showcase()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discord.http.Route, "BASE", server.api_url)
        patch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", URL(server.gateway_url))
        bot = commands.AutoShardedBot(
            command_prefix=commands.when_mentioned,
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.05,
        )
        shown.prepare(bot)
        await bot.login(server.world.token)
        await bot.tree.sync()
        running = asyncio.create_task(bot.connect())
        await bot.wait_until_ready()
        shown.bot = bot
        yield shown
        await bot.close()
        with contextlib.suppress(discord.DiscordException, asyncio.CancelledError):
            await running


_numbers = itertools.count(1)


@pytest.fixture
def channel(server: SandboxServer) -> Channel:
    """A fresh channel, so that tests do not read each other's messages."""
    return server.world.add_channel(f"room-{next(_numbers)}")


Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """Open a page by URL; at the end of the test none may have logged an error."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def open_(url: str, *, channel: Channel | None = None, **kwargs: object) -> Page:
        settings: dict[str, object] = {
            "viewport": {"width": 1280, "height": 800},
            "reduced_motion": "reduce",
            "locale": "en-US",
            **kwargs,
        }
        context = await browser.new_context(**settings)
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        await expect(page.locator("#app")).to_be_visible()
        if channel is not None:
            await page.evaluate('name => document.querySelector(`[data-channel="${name}"]`).click()', channel.name)
            await expect(page.get_by_role("heading", name=channel.name, exact=True, level=1)).to_be_visible()
        return page

    open_.errors = errors
    yield open_
    for context in contexts:
        await context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page: Open, server: SandboxServer, showcase: Showcase, channel: Channel) -> Page:
    """Luna's page in a fresh channel."""
    return await open_page(server.page_url, channel=channel)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole product on the sample model."""
    async with Stack(tmp_path_factory.mktemp("stack"), settings={"PREVIEW_INTERVAL_S": "1"}) as running:
        running.server.world.ack_s = 30
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of this folder, before `-m` looks at marks."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
