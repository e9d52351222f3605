"""Asks before a command that makes many pictures: how many, how long, and a button to begin or to leave it.

The one question that dies with the process: it stands for two minutes, and what it asks about is not accepted yet.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import ui

from bot.interactions.base import guarded
from bot.language import _
from bot.presenter import duration
from bot.refusal import Refusal
from flux2.request import GenerationRequest

ASKED_S = 120.0
"""Seconds; well inside the fifteen minutes an interaction can be answered."""


class Question(ui.View):
    """Begin or leave, for the member who asked alone."""

    def __init__(self, user_id: int, pictures: int) -> None:
        super().__init__(timeout=ASKED_S)
        self._user_id = user_id
        self.agreed = False
        self.begin.label = _("Draw {count}").format(count=pictures)
        self.leave.label = _("Leave it")

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Others are told whose question it is."""
        if interaction.user.id != self._user_id:
            await guarded(interaction, _not_yours)
            return False
        return True

    @ui.button(style=discord.ButtonStyle.primary)
    async def begin(self, interaction: discord.Interaction, _button: ui.Button[Question]) -> None:
        """Go on."""
        self.agreed = True
        await self._end(interaction)

    @ui.button()
    async def leave(self, interaction: discord.Interaction, _button: ui.Button[Question]) -> None:
        """Do nothing."""
        await self._end(interaction)

    async def _end(self, interaction: discord.Interaction) -> None:
        self.stop()
        await interaction.response.defer()


async def _not_yours(_interaction: discord.Interaction) -> None:
    raise Refusal(_("This is another member's question; ask for pictures of your own with /imagine."))


async def go_ahead(
    interaction: discord.Interaction, request: GenerationRequest, seconds: float | None, left: str
) -> bool:
    """Ask in the placeholder of a command whether to draw every variant of `request`.

    `seconds` is how long they will take once begun, `left` None where that is not known; `left` says what
    the member may still draw today, empty where nothing is counted.
    False: not wanted; the placeholder is gone then.
    """
    question = Question(interaction.user.id, request.count)
    said = _("The lists make **{count} pictures**: {labels}.")
    if seconds is not None:
        said = _("The lists make **{count} pictures**, {duration}: {labels}.")
    labels = ", ".join(discord.utils.escape_markdown(variant.label) for variant in request.variants)
    said = said.format(count=request.count, labels=labels, duration=duration(seconds or 0))
    await interaction.edit_original_response(content=f"{said} {left}".rstrip(), view=question)
    await question.wait()
    if not question.agreed:
        await interaction.delete_original_response()
    return question.agreed
