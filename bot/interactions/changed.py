"""What changed: the words and values that differ from the picture this one came from, for whoever presses it alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord

from bot import answers, changes
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _
from bot.refusal import Refusal
from bot.sight import require_sight

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class ChangedButton(JobButton, template=template(Verb.CHANGED)):
    """Stands behind More… of a picture that came from another."""

    verb = Verb.CHANGED
    text = N_("What changed")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Compare the two recipes."""
        job = await job_of(interaction, self.job_id)
        line = await interaction.client.services.ledger.lineage(job.id, 2)
        if len(line) < 2:
            raise Refusal(_("What this picture came from is no longer kept, so there is nothing to compare it with."))
        if not await answers.acknowledge(interaction):
            return
        await require_sight(interaction, line[1].job)
        # Off the loop: thousands of words take some tenths of a second.
        told = await asyncio.to_thread(changes.told, line[1], line[0])
        await interaction.followup.send(told, ephemeral=True)
