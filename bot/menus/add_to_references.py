"""Add to references: lays every picture of a message into the member's tray, and shows the tray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import answers
from bot.interactions.tray import answer
from bot.language import N_, _
from bot.refusal import Refusal
from bot.remote import pictures_in

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.context_menu(name=N_("Add to references"))
async def add_to_references(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Take the pictures of `message`, anybody's, of any age."""
    pictures = pictures_in(message)
    if not pictures:
        raise Refusal(_("There is no picture in that message; choose one that shows a PNG, JPEG, WebP or GIF."))
    desk = interaction.client.services.tray_desk
    interaction.client.services.attachments.check(pictures)
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    tray, notes = await desk.add(interaction.user.id, pictures)
    await answer(interaction, tray, notes)


async def setup(bot: Flux2Bot) -> None:
    """Register the entry."""
    bot.tree.add_command(add_to_references)
