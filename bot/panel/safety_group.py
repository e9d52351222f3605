"""/admin safety: where reports go, spoilers, and whether pictures are for age-restricted channels only."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.administration import ruling
from bot.ledger.rules import Scope
from bot.panel.answering import Here, carry_out


class SafetyGroup(app_commands.Group):
    """A server's own policy, inside what the operator's screens let pass at all."""

    def __init__(self) -> None:
        super().__init__(name="safety", description="Reports, spoilers, age-restricted channels.")

    @app_commands.command(description="What holds on this server.")
    async def show(self, interaction: Here) -> None:
        """Show it."""
        await carry_out(interaction, lambda desk: ruling.show(desk, Scope.GUILD))

    @app_commands.command(description="Set what is given.")
    @app_commands.describe(
        reports_channel="Where moderators see reports.",
        spoiler="Hide every picture behind a click.",
        age_restricted_only="Draw in age-restricted channels only.",
    )
    async def set(
        self,
        interaction: Here,
        reports_channel: discord.TextChannel | None = None,
        spoiler: bool | None = None,
        age_restricted_only: bool | None = None,
    ) -> None:
        """Keep what is left out."""
        given = {
            "reports_channel": None if reports_channel is None else reports_channel.id,
            "spoiler": spoiler,
            "age_restricted_only": age_restricted_only,
        }
        await carry_out(interaction, lambda desk: ruling.change(desk, "safety set", (Scope.GUILD, 0), given))
