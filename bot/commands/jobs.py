"""/jobs: where a member's own pictures stand, with buttons to cancel them or to post again what got lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import answers, contexts
from bot.applicants import applicant_in
from bot.job_list import job_list
from bot.language import N_

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Your pictures that are waiting or being drawn."))
async def jobs(interaction: discord.Interaction[Flux2Bot]) -> None:
    """Show the list to its owner alone."""
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    services = interaction.client.services
    left = await services.gate.left_today(applicant_in(interaction))
    text, view = await job_list(
        interaction.user.id, contexts.server_of(interaction), services.ledger, services.narration, left
    )
    await interaction.edit_original_response(content=text, view=view)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(jobs)
