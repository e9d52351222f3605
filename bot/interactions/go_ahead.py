"""Asks before a command that makes many pictures: how many, how long, and a button to begin or to leave it.

The one question that dies with the process: it stands for two minutes, and what it asks about is not accepted yet.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.interactions.dialogue import DialogueButton
from bot.language import _
from bot.presenter import duration
from bot.refusal import Refusal
from flux2.request import GenerationRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot

ASKED_S = 120.0
"""Seconds; well inside the fifteen minutes an interaction can be answered."""


async def go_ahead(
    interaction: discord.Interaction[Flux2Bot], request: GenerationRequest, seconds: float | None, left: str
) -> bool:
    """Ask in the placeholder of a command whether to draw every variant of `request`.

    `seconds` is how long they will take once begun, None where that is not known; `left` says what
    the member may still draw today, empty where nothing is counted.
    False: not wanted; the placeholder is gone then.
    """
    said = _("The lists make **{count} pictures**: {labels}.")
    if seconds is not None:
        said = _("The lists make **{count} pictures**, {duration}: {labels}.")
    labels = ", ".join(discord.utils.escape_markdown(variant.label) for variant in request.variants)
    said = said.format(count=request.count, labels=labels, duration=duration(seconds or 0))
    if await _agreed(interaction, f"{said} {left}".rstrip(), request.count):
        return True
    await interaction.delete_original_response()
    return False


async def _agreed(interaction: discord.Interaction[Flux2Bot], question: str, pictures: int) -> bool:
    """Begin or leave, for the member who asked alone."""
    chosen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def turn(pressed: discord.Interaction[Flux2Bot], choice: str) -> None:
        if pressed.user.id != interaction.user.id:
            raise Refusal(_("This is another member's question; ask for pictures of your own with /imagine."))
        if not chosen.done():
            chosen.set_result(choice)

    # Opened before it is shown: a quick press would overtake the library's own views, which wait for Discord's answer.
    token = interaction.client.dialogues.open(turn)
    view = ui.View(timeout=None)
    begin = _("Draw {count}").format(count=pictures)
    view.add_item(DialogueButton(token, "yes", begin, discord.ButtonStyle.primary))
    view.add_item(DialogueButton(token, "no", _("Leave it")))
    await interaction.edit_original_response(content=question, view=view)
    try:
        async with asyncio.timeout(ASKED_S):
            return await chosen == "yes"
    except TimeoutError:
        return False
    finally:
        interaction.client.dialogues.close(token)
