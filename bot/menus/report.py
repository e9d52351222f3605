"""Report, in a message's own menu: tells the moderators of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.interactions.report import send_report
from bot.language import N_

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.context_menu(name=N_("Report"))
@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
async def report(interaction: discord.Interaction[Flux2Bot], message: discord.Message) -> None:
    """Pass it on."""
    await send_report(interaction, message)


async def setup(bot: Flux2Bot) -> None:
    """Register the entry."""
    bot.tree.add_command(report)
