"""A bot in another language, as members meet it."""

from __future__ import annotations

from collections.abc import Callable

from bot import command_sync
from bot.client import Flux2Bot
from sandbox.server import SandboxServer

Outside = Callable[[str], list[str]]


async def test_a_translated_bot_says_nothing_in_english(
    bracketed: Outside, server: SandboxServer, bot: Flux2Bot
) -> None:
    """Help and privacy come from the catalogue, descriptions of commands too; names stay."""
    luna = server.member("luna")
    for command in ("help", "privacy show"):
        answer = await (await luna.slash(command)).answer()
        assert answer.content.startswith("⟦")
        assert bracketed(answer.content) == []
    told = {payload["name"]: payload for payload in await command_sync.payloads(bot.tree)}
    jobs = told["jobs"]
    assert jobs["description_localizations"]["de"] == f"⟦{jobs['description']}⟧"
    assert jobs["name_localizations"] == {}
