"""/studio: one form for a picture, with up to ten of the member's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import contexts
from bot.applicants import applicant_in
from bot.interactions.studio import studio_modal
from bot.language import N_

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(
    description=N_("One form for a picture: the prompt, up to ten pictures of yours, size and model.")
)
@app_commands.describe(private=N_("Only you see it; not possible while the wait is over 12 minutes."))
async def studio(interaction: discord.Interaction[Flux2Bot], private: bool | None = None) -> None:
    """Open the form: it must be the first answer, so what can be refused is refused before anybody types."""
    services = interaction.client.services
    if private is None:
        private = await services.shelf.draws_in_private(interaction.user.id)
    contexts.require_posting(interaction, private=private)
    if not services.offer.seen:
        await services.offer.look()
    tray = await services.tray_desk.of(interaction.user.id)
    modal = studio_modal(services, applicant_in(interaction), len(tray), private=private)
    await interaction.response.send_modal(modal)


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(studio)
