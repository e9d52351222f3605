"""Favourite: marks a picture so that its admirer finds it again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import discord

from bot import answers
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class FavouriteButton(JobButton, template=template(Verb.FAVOURITE)):
    """Stands behind More…; a second press takes the mark away."""

    verb = Verb.FAVOURITE
    text = N_("Favourite")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Set or take the mark."""
        job = await job_of(interaction, self.job_id)
        if not await answers.acknowledge(interaction):
            return
        is_one = await interaction.client.services.ledger.favourites.toggle(interaction.user.id, job.id)
        # The panel that was pressed says which way the next press goes.
        from bot.interactions.more import panel

        view = await panel(interaction, job, is_favourite=is_one)
        with contextlib.suppress(discord.NotFound):  # dismissed meanwhile
            await interaction.edit_original_response(view=view)
        said = _("This is one of your favourites now.") if is_one else _("This is no longer one of your favourites.")
        await interaction.followup.send(said, ephemeral=True)
