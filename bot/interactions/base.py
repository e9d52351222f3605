"""What every button of the bot shares: it is found by its custom_id after any restart, and every error is answered.

The library only logs what a dynamic item raises, and the member would read "interaction failed": nothing gets that far.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import discord
from discord import ui

from bot import answers
from bot.interactions.custom_id import Verb, custom_id
from bot.ledger.job import Job
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class JobButton(ui.DynamicItem[ui.Button[ui.View]], ABC, template=r"(?!)"):
    """A button that acts on one job. Subclasses name a verb and write `act`; the template here matches nothing."""

    verb: ClassVar[Verb]
    text: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, job_id: str, text: str | None = None) -> None:
        super().__init__(ui.Button(label=text or self.text, style=self.style, custom_id=custom_id(self.verb, job_id)))
        self.job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from a press."""
        return cls(match["job_id"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Run `act`; whatever it raises becomes one ephemeral sentence."""
        await guarded(interaction, self.act)

    @abstractmethod
    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Do what the button says."""


async def guarded(interaction: discord.Interaction[Flux2Bot], act: Any, *arguments: Any) -> None:
    """Run a callback as part of the bot's work and answer for its errors."""
    try:
        interaction.client.running.enter()
        await act(interaction, *arguments)
    except Exception as error:  # noqa: BLE001 - the boundary of a member's press: each error is answered and logged
        await answers.explain(interaction, error)


async def job_of(interaction: discord.Interaction[Flux2Bot], job_id: str) -> Job:
    """Return the job a button names. Raises Refusal where its row is gone."""
    job = await interaction.client.services.ledger.get(job_id)
    if job is None:
        raise Refusal("The recipe of this picture is no longer kept; write the prompt anew with /imagine.")
    return job
