"""Upscale, in the menu of any message with a picture: the bot's own or a member's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.commands.upscale import enlarge
from bot.enlarging import Enlargement
from bot.interactions.redraw import require_posting
from bot.interactions.upscale import ask_which
from bot.language import N_, _
from bot.origin import job_told_by
from bot.picks import choices
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.context_menu(name=N_("Upscale"))
async def upscale(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Enlarge the message's first picture with the default options; of several of the bot's own, ask which."""
    pictures = [one for one in message.attachments if (one.content_type or "").startswith("image/")]
    if not pictures:
        raise Refusal(_("That message holds no picture; use Upscale on one that does, or /upscale."))
    job = await job_told_by(message, interaction.client)
    if job is not None and not job.pictures:
        # A status message: what it shows is a preview.
        job = None
    if job is not None and len(labels := choices(job)) > 1:
        require_posting(interaction, job)
        await ask_which(interaction, job, labels)
        return
    await enlarge(interaction, Enlargement(), pictures[0], job, message)


async def setup(bot: Flux2Bot) -> None:
    """Register the entry."""
    bot.tree.add_command(upscale)
