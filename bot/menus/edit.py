"""Edit: changes a picture of any message, anybody's, of any age, after asking what should be different."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import contexts
from bot.interactions.edit_shown import open_form
from bot.language import N_, _
from bot.refusal import Refusal
from bot.remote import pictures_in

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.context_menu(name=N_("Edit"))
async def edit(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Open the form: it must be the first answer, so what can be refused is refused before anybody types."""
    private = await interaction.client.services.shelf.draws_in_private(interaction.user.id)
    contexts.require_posting(interaction, private=private)
    pictures = pictures_in(message)
    if not pictures:
        raise Refusal(_("There is no picture in that message; choose one that shows a PNG, JPEG, WebP or GIF."))
    interaction.client.services.attachments.check(pictures[:1])
    await open_form(interaction, message, pictures)


async def setup(bot: Flux2Bot) -> None:
    """Register the entry."""
    bot.tree.add_command(edit)
