"""/doctor: what is wrong with the bot, seen from this channel, and how to mend it; on wish with a test picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot import access, answers
from bot.doctor import report
from bot.doctor.trial import try_a_job
from bot.interactions import dialogue
from bot.language import N_, _
from config.finding import Finding, summary, without_secrets

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_MARKS = {"ok": "✅", "warn": "⚠️", "fail": "❌"}


@app_commands.command(description=N_("What is wrong with the bot here, and how to mend it."))
@app_commands.describe(picture=N_("Also draw a test picture in this channel and wait for it."))
@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
async def doctor(interaction: discord.Interaction[Flux2Bot], picture: bool = False) -> None:
    """Look at everything, the broken first."""
    access.require_admin(interaction)
    if not await answers.acknowledge(interaction, ephemeral=True):
        return
    client = interaction.client
    if access.looks_after_all(interaction):
        found = await report.of_running(client, interaction.guild_id, interaction.app_permissions)
    else:
        found = await report.of_channel(client, interaction.guild_id, interaction.app_permissions)
    if picture:
        found.insert(0, await try_a_job(interaction))
    settings = client.settings
    secrets = (settings.discord_token, settings.redis_url, settings.database_url)
    found = without_secrets(found, (one.get_secret_value() for one in secrets))
    found.sort(key=lambda one: ("fail", "warn", "ok").index(one.level))
    title = _("Doctor: {summary}").format(summary=summary(found))
    await dialogue.show_pages(interaction, title, [_line(one) for one in found], "")


def _line(finding: Finding) -> str:
    level, _, rest = finding.line.partition(" · ")
    return f"{_MARKS[level]} **{level}** {rest}"


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(doctor)
