"""/admin: everything an admin does. Hidden from members by Discord, and checked at run time, which is what counts.

Single subcommands stand here, groups of them in bot/panel; what they do is in bot/administration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.app_commands import Choice

from bot import access
from bot.administration import members, overview, queueing
from bot.administration.desk import Desk, Listing, Suggestion
from bot.language import N_
from bot.panel.answering import Here, carry_out
from bot.panel.audit_group import AuditGroup
from bot.panel.members_group import QuotaGroup
from bot.panel.queue_group import JobId, QueueGroup, cancel, jobs_like
from bot.panel.rules_groups import ChannelsGroup, LimitsGroup, ModelGroup, RolesGroup
from bot.panel.safety_group import SafetyGroup
from bot.panel.workers_group import WorkersGroup

if TYPE_CHECKING:
    from bot.client import Flux2Bot

Reason = app_commands.Range[str, 0, 200]
_GROUPS: tuple[type[app_commands.Group], ...] = (
    QueueGroup,
    WorkersGroup,
    QuotaGroup,
    RolesGroup,
    ChannelsGroup,
    LimitsGroup,
    ModelGroup,
    SafetyGroup,
    AuditGroup,
)


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class Admin(app_commands.Group):
    """The command group."""

    def __init__(self) -> None:
        super().__init__(name="admin", description=N_("Look after queue, members and rules."))
        for group in _GROUPS:
            self.add_command(group())

    @app_commands.command(description=N_("Workers, models and how many pictures are waiting."))
    async def status(self, interaction: Here) -> None:
        """Show the state of everything."""
        is_all = access.looks_after_all(interaction)
        await carry_out(interaction, overview.status_at_least if is_all else overview.of_the_queue)

    @app_commands.command(description=N_("Start no more pictures; those being drawn are finished."))
    @app_commands.describe(reason=N_("What waiting members are told."))
    async def pause(self, interaction: Here, reason: Reason = "") -> None:
        """Stop dispatching."""
        await carry_out(interaction, lambda desk: queueing.pause(desk, reason), by_operator=True)

    @app_commands.command(description=N_("Start pictures again, and accept new ones."))
    async def resume(self, interaction: Here) -> None:
        """End a pause or a drain."""
        await carry_out(interaction, queueing.resume, by_operator=True)

    @app_commands.command(description=N_("Accept no new pictures and finish all that wait; for an update."))
    @app_commands.describe(reason=N_("What members are told."))
    async def drain(self, interaction: Here, reason: Reason = "") -> None:
        """Let nothing new in."""
        await carry_out(interaction, lambda desk: queueing.drain(desk, reason), by_operator=True)

    @app_commands.command(description=N_("Cancel a picture by its job id, or everything one member has waiting."))
    @app_commands.describe(
        job=N_("The job id, as in the file name flux2-<job id>."), member=N_("Whose pictures to cancel.")
    )
    async def cancel(self, interaction: Here, job: JobId | None = None, member: discord.User | None = None) -> None:
        """Cancel jobs of this server."""
        await cancel(interaction, job, member)

    @cancel.autocomplete("job")
    async def _open(self, interaction: Here, typed: str) -> list[Choice[str]]:
        return await jobs_like(interaction, typed)

    @app_commands.command(description=N_("Keep a member from drawing; without a member, who is banned."))
    @app_commands.describe(
        member=N_("Whom."),
        reason=N_("The member reads it."),
        lasts=N_("30m, 12h, 7d or 2w; or without end."),
        everywhere=N_("On every server and in direct messages; for whoever runs this bot."),
    )
    async def ban(
        self,
        interaction: Here,
        member: discord.User | None = None,
        reason: Reason = "",
        lasts: app_commands.Range[str, 1, 10] | None = None,
        everywhere: bool = False,
    ) -> None:
        """Ban from this server, or as the operator from all."""
        user_id = None if member is None else member.id

        async def work(desk: Desk) -> str | Listing | Suggestion:
            return await (members.bans(desk) if user_id is None else members.ban(desk, user_id, reason, lasts))

        await carry_out(interaction, work, by_operator=everywhere, is_everywhere=everywhere)

    @app_commands.command(description=N_("Let a banned member draw again."))
    @app_commands.describe(member=N_("Whom."), everywhere=N_("End a ban that holds on every server."))
    async def unban(self, interaction: Here, member: discord.User, everywhere: bool = False) -> None:
        """End a ban of this server, or one of the operator's."""
        await carry_out(
            interaction, lambda desk: members.unban(desk, member.id), by_operator=everywhere, is_everywhere=everywhere
        )


async def setup(bot: Flux2Bot) -> None:
    """Register the group."""
    bot.tree.add_command(Admin())
