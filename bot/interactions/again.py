"""Again: the same request with a new seed, for whoever presses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import recipes
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.interactions.redraw import redraw, take
from bot.language import N_

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class AgainButton(JobButton, template=template(Verb.AGAIN)):
    """Stands under every result and every failure notice; it never wears off."""

    verb = Verb.AGAIN
    text = N_("Again")
    style = discord.ButtonStyle.primary

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit the same request with a new seed."""
        job = await job_of(interaction, self.job_id)
        if not await take(interaction, job):
            return
        await interaction.client.services.offer.choose(job.request.model)
        await redraw(interaction, job, recipes.again(job.request), source="again")
