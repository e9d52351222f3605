"""Delete: removes the message with the pictures, for its owner or an admin. The recipe stays."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import discord

from bot import access, answers
from bot.interactions.base import JobButton, job_of, note, pressed_under, result_of
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _
from bot.ledger.job import Job

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class DeleteButton(JobButton, template=template(Verb.DELETE)):
    """Stands behind More… for the picture's owner and admins."""

    verb = Verb.DELETE
    text = N_("Delete")
    style = discord.ButtonStyle.danger

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Remove the message; one that is gone already is as good."""
        job = await job_of(interaction, self.job_id)
        access.require_owner_of(job, interaction)
        if not await answers.acknowledge(interaction):
            return
        with contextlib.suppress(discord.NotFound):
            await (await _meant(interaction, job)).delete()
        await note(interaction, job, "picture delete")
        await interaction.followup.send(_("Deleted."), ephemeral=True)


async def _meant(interaction: discord.Interaction[Flux2Bot], job: Job) -> discord.Message | discord.PartialMessage:
    """The message above; where the bot may not read, the one on record, which it may still take away."""
    try:
        return await pressed_under(interaction, job)
    except discord.Forbidden:
        return result_of(job, interaction.client)
