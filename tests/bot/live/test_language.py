"""A bot in another language, as members meet it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot import command_sync
from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.server import SandboxServer

Outside = Callable[[str], list[str]]
KEPT = {"sample", "v1"}
"""Names, which no translation touches."""


async def test_a_translated_bot_says_nothing_in_english(
    bracketed: Outside,
    server: SandboxServer,
    bot: Flux2Bot,
    gpu: Any,
    only_job: Callable[[], Awaitable[Job]],
    closed: Callable[[str], Awaitable[Job]],
) -> None:
    """A picture from the command to More…, lists and refusals: every word comes from the catalogue, buttons too."""
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "1 2 3", "format": "png", "quality": 3})).answer()
    said = [status.content, *status.labels()]
    job = await only_job()
    said.append((await (await luna.slash("jobs")).answer()).content)
    await gpu.draw(job)
    done = await closed(job.id)
    result = server.world.message(done.result_message_id or 0)
    final = server.world.message(status.id)
    assert result is not None
    assert final is not None
    said += [final.content, result.content, *result.labels(), str(result.attachments[0].description)]
    more = await (await luna.press(result, "⟦More…⟧")).answer()
    said += [*more.labels(), more.content.partition("```")[0]]
    for command, options in (
        ("help", {}),
        ("privacy show", {}),
        ("history", {}),
        ("settings", {}),
        ("preset list", {}),
        ("tray", {}),
        ("imagine", {"prompt": "1", "size": "9"}),
        ("imagine", {"prompt": "{", "model": "9"}),
        ("imagine", {"prompt": "image 7"}),
    ):
        said.append((await (await luna.slash(command, options)).answer()).content)
    assert [(text, words) for text in said if (words := set(bracketed(text)) - KEPT)] == []
    assert all("⟦" in text for text in said)


async def test_descriptions_of_commands_are_translated(bracketed: Outside, bot: Flux2Bot) -> None:
    """In whatever language Discord's client is; the names of commands and options stay, those of menus do not."""
    told = {payload["name"]: payload for payload in await command_sync.payloads(bot.tree)}
    jobs, factor, report = told["jobs"], told["upscale"]["options"][1], told["Report"]
    assert jobs["description_localizations"]["de"] == f"⟦{jobs['description']}⟧"
    assert not jobs["name_localizations"]
    assert not factor.get("name_localizations")
    assert factor["description_localizations"]["fr"] == f"⟦{factor['description']}⟧"
    assert report["name_localizations"]["ja"] == "⟦Report⟧"
