"""/doctor and `python -m bot doctor|invite`, as admins and operators use them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.client import Flux2Bot
from config.settings import BotSettings
from sandbox.permissions import Permission
from sandbox.server import SandboxServer
from sandbox.use import Use

Gpu = Any
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]


async def whole(server: SandboxServer, use: Use) -> str:
    """Every page of an answer."""
    answer, ada = await use.answer(), server.member("ada")
    first = answer.content
    if "Next" not in answer.labels():
        return first
    await ada.press(answer, "Next")
    turned = await server.world.wait_for(lambda one: one.id == answer.id and one.content != first)
    return f"{first}\n{turned.content}"


async def test_doctor_tells_of_this_channel_and_of_everything_behind(server: SandboxServer, bot: Flux2Bot) -> None:
    """The broken comes first; a missing permission is named; no secret is in any line."""
    world = server.world
    role = next(role for role in world.guild.roles.values() if role.managed_by == world.bot.id)
    world.overwrite(world.channel("lounge"), role, deny=Permission.ATTACH_FILES)
    use = await server.member("ada").slash("doctor", channel="lounge")
    answer = await use.answer()
    assert answer.ephemeral
    text = await whole(server, use)
    first, second, *_ = text.splitlines()
    assert first.startswith("**Doctor: ")
    assert second.startswith("❌ **fail** ")
    for words in ("missing here: Attach Files", "nobody posts pictures", "revision", "serving"):
        assert words in text
    assert world.token not in text


async def test_doctor_draws_a_test_picture(server: SandboxServer, bot: Flux2Bot, gpu: Gpu) -> None:
    """On wish a picture goes through the whole stack, and its time is told."""
    use = await server.member("ada").slash("doctor", {"picture": True})
    for _ in range(1200):
        if jobs := await bot.services.ledger.open_jobs():
            break
        await asyncio.sleep(0.05)
    await gpu.draw(jobs[0])
    assert "Test picture: drawn and posted in " in await whole(server, use)


async def test_members_and_admins_of_one_server_see_less(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """With several servers an admin learns of his channel only; a member nothing."""
    server.world.add_guild("Elsewhere")
    async with start(settings):
        answer = await (await server.member("ada").slash("doctor")).answer()
        assert "Permissions" in answer.content
        assert "Reports: no channel is chosen" in answer.content
        assert "Redis" not in answer.content
        registered = server.world.commands.find("doctor", None)
        assert registered is not None
        registered.payload["default_member_permissions"] = None
        refused = await (await server.member("luna").slash("doctor")).answer()
        assert refused.content.startswith("This needs the Manage Server permission")


async def test_the_terminal_prints_report_and_invitation(
    server: SandboxServer,
    settings: BotSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Without a bot running: a line for each part and status 1 for a broken one; the link with its exact bits."""
    monkeypatch.chdir(tmp_path)
    for name in ("discord_token", "redis_url", "database_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name).get_secret_value())
    monkeypatch.setenv("DISCORD_API_URL", settings.discord_api_url)
    monkeypatch.setenv("BLOB_URL", settings.blob_url)
    assert await asyncio.to_thread(main, ["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "fail · GPU workers: none is running → Start one on each GPU: python -m worker --role gpu; python" in printed
    assert "ok · Token: logged in as FLUX" in printed
    assert "fail · Commands: Discord does not know /admin" in printed
    assert settings.redis_url.get_secret_value() not in printed
    assert await asyncio.to_thread(main, ["invite"]) == 0
    printed = capsys.readouterr().out
    assert f"client_id={server.world.application_id}" in printed
    assert "permissions=309237763072" in printed
    assert "scope=bot+applications.commands" in printed
    assert "Permissions: 309237763072 (View Channels, Send Messages, " in printed
    assert "Read Message History" in printed
