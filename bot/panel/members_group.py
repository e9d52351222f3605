"""/admin quota: what members used today, a quota of their own, and forgetting what was used."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.administration import members
from bot.administration.desk import mention
from bot.language import N_, _
from bot.panel.answering import Here, carry_out, carry_out_after_asking


class QuotaGroup(app_commands.Group):
    """Quotas of single members; those of roles stand in /admin roles."""

    def __init__(self) -> None:
        super().__init__(name="quota", description=N_("What members used today, and quotas of their own."))

    @app_commands.command(description=N_("What was used today, by one member or by all."))
    @app_commands.describe(member=N_("Leave out for everybody."))
    async def show(self, interaction: Here, member: discord.User | None = None) -> None:
        """The heaviest first."""
        await carry_out(interaction, lambda desk: members.quota_show(desk, member.id if member else None))

    @app_commands.command(description=N_("A daily quota for one member; without figures, that of their roles again."))
    @app_commands.describe(member=N_("Whose."), pictures=N_("Pictures a day."), gpu_seconds=N_("GPU-seconds a day."))
    async def set(
        self,
        interaction: Here,
        member: discord.User,
        pictures: app_commands.Range[int, 0, 100_000] | None = None,
        gpu_seconds: app_commands.Range[int, 0, 10_000_000] | None = None,
    ) -> None:
        """Goes before every role's."""
        await carry_out(interaction, lambda desk: members.quota_set(desk, member.id, pictures, gpu_seconds))

    @app_commands.command(description=N_("Forget what a member has used today."))
    @app_commands.describe(member=N_("Whose."))
    async def reset(self, interaction: Here, member: discord.User) -> None:
        """Asked first: what was used cannot be brought back."""
        question = _("Forget what {member} has used today?").format(member=mention(member.id))
        await carry_out_after_asking(
            interaction, question, _("Forget it"), lambda desk: members.quota_reset(desk, member.id)
        )
