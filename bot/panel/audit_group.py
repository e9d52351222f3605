"""/admin audit: who did what."""

from __future__ import annotations

import asyncio

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import access, answers
from bot.administration import trail
from bot.language import N_, _
from bot.panel.answering import Here, carry_out, desk_of
from bot.parcel import pack

_MAX_CHOICES = 25


class AuditGroup(app_commands.Group):
    """Reading the log, and taking it away."""

    def __init__(self) -> None:
        super().__init__(name="audit", description=N_("Who did what, when, and what it was before."))

    @app_commands.command(description=N_("The newest deeds: all, those of one member, or those about one."))
    @app_commands.describe(
        member=N_("Who did it."), about=N_("To whom."), action=N_("How it begins, such as ban or quota.")
    )
    async def search(
        self,
        interaction: Here,
        member: discord.User | None = None,
        about: discord.User | None = None,
        action: app_commands.Range[str, 1, 32] | None = None,
    ) -> None:
        """Page by page."""
        by, to = (one.id if one else None for one in (member, about))
        await carry_out(interaction, lambda desk: trail.search(desk, by, to, action))

    @search.autocomplete("action")
    async def _actions(self, interaction: Here, typed: str) -> list[Choice[str]]:
        """What was done here so far; nothing for who is no admin."""
        if not access.is_admin(interaction):
            return []
        actions = await trail.actions(desk_of(interaction))
        return [Choice(name=action, value=action) for action in actions if action.startswith(typed.strip().lower())][
            :_MAX_CHOICES
        ]

    @app_commands.command(description=N_("The whole log of this server as a file."))
    async def export(self, interaction: Here) -> None:
        """One JSON object on each line."""
        access.require_admin(interaction)
        if not await answers.acknowledge(interaction, ephemeral=True):
            return
        data = await trail.export(desk_of(interaction))
        name, most = f"audit-{interaction.guild_id}.jsonl", interaction.filesize_limit
        file = await asyncio.to_thread(pack, data, name, most)
        await interaction.edit_original_response(content=_("The audit log, newest first."), attachments=[file])
