"""Upscale, in the menu of any message with a picture: the bot's own or a member's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import contexts
from bot.commands.upscale import enlarge
from bot.enlarging import Enlargement
from bot.interactions import upscale_shown
from bot.interactions.redraw import require_posting
from bot.interactions.upscale import ask_which
from bot.language import N_, _
from bot.origin import job_told_by
from bot.picks import choices
from bot.refusal import Refusal
from bot.remote import pictures_in

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.context_menu(name=N_("Upscale"))
async def upscale(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Enlarge the message's picture with the default options; of several, ask which."""
    pictures = pictures_in(message)
    if not pictures:
        raise Refusal(_("There is no picture in that message; choose one that shows a PNG, JPEG, WebP or GIF."))
    job = await job_told_by(message, interaction.client)
    if job is not None and not job.pictures:
        # A status message: what it shows is a preview.
        job = None
    if job is not None and len(labels := choices(job)) > 1:
        require_posting(interaction, job)
        await ask_which(interaction, job, labels)
        return
    if job is None and len(pictures) > 1:
        private = await interaction.client.services.shelf.draws_in_private(interaction.user.id)
        contexts.require_posting(interaction, private=private)
        await upscale_shown.ask_which(interaction, pictures)
        return
    await enlarge(interaction, Enlargement(), pictures[0], job, message)


async def setup(bot: Flux2Bot) -> None:
    """Register the entry."""
    bot.tree.add_command(upscale)
