"""Who may do what: the caps on open jobs, who counts as an admin, and what the bot itself must be allowed to do.

Discord's own command permissions come first and are only a hint to its client; these checks are the ones that hold.
"""

from __future__ import annotations

import discord

from bot.language import N_, _, listed
from bot.ledger.job import Caps, Job
from bot.refusal import Refusal
from config.settings import BotSettings

_NAMES = {
    "view_channel": N_("View Channel"),
    "send_messages": N_("Send Messages"),
    "send_messages_in_threads": N_("Send Messages in Threads"),
    "attach_files": N_("Attach Files"),
    # Without it a channel reads as empty, and nobody could tell whether a picture of doubtful fate was posted.
    "read_message_history": N_("Read Message History"),
}


def caps(settings: BotSettings) -> Caps:
    """How many jobs a member and a server may have open."""
    return Caps(per_member=settings.max_waiting_per_member, per_guild=settings.max_waiting_per_guild)


def require_posting(permissions: discord.Permissions, *, in_thread: bool) -> None:
    """Refuse a channel the bot may not post pictures in, naming what is missing."""
    send = "send_messages_in_threads" if in_thread else "send_messages"
    needed = ("view_channel", send, "attach_files", "read_message_history")
    missing = [_(_NAMES[name]) for name in needed if not getattr(permissions, name)]
    if missing:
        raise Refusal(
            _(
                "I may not post pictures here: ask an admin to give me {permissions} in this channel, use another one, "
                "or draw with private:True for yourself."
            ).format(permissions=listed(missing))
        )


def require_reporting(permissions: discord.Permissions, channel: str) -> None:
    """Refuse a channel the bot may not post reports in, naming what is missing."""
    missing = [
        _(_NAMES[name]) for name in ("view_channel", "send_messages", "attach_files") if not getattr(permissions, name)
    ]
    if missing:
        raise Refusal(
            _("I may not post reports in {channel}: give me {permissions} there first, or choose another.").format(
                channel=channel, permissions=listed(missing)
            )
        )


def may_open_thread(permissions: discord.Permissions) -> bool:
    """Whether a thread could be opened here and written to."""
    return permissions.create_public_threads and permissions.send_messages_in_threads


def is_admin(interaction: discord.Interaction) -> bool:
    """Whether the member may manage this server; also true for the bot's operator."""
    return interaction.permissions.manage_guild or interaction.permissions.administrator or is_operator(interaction)


def is_operator(interaction: discord.Interaction) -> bool:
    """Whether the member owns the application, alone or in a team they have joined with more than read access."""
    application = interaction.client.application
    if application is None:
        return False
    if application.team is None:
        return interaction.user.id == application.owner.id
    return any(member.id == interaction.user.id and _runs_the_bot(member) for member in application.team.members)


def _runs_the_bot(member: discord.TeamMember) -> bool:
    joined = member.membership_state is discord.TeamMembershipState.accepted
    return joined and member.role is not discord.TeamMemberRole.read_only


def require_admin(interaction: discord.Interaction) -> None:
    """Refuse everybody who may not manage this server."""
    if not is_admin(interaction):
        raise Refusal(_("This needs the Manage Server permission; ask an admin of this server."))


def require_moderator(interaction: discord.Interaction) -> None:
    """Refuse everybody who may neither manage messages nor this server."""
    if not (interaction.permissions.manage_messages or is_admin(interaction)):
        raise Refusal(_("This needs the Manage Messages permission; ask a moderator of this server."))


def looks_after_all(interaction: discord.Interaction) -> bool:
    """Whether what concerns every server is theirs: the operator's, or any admin's where there is only one server."""
    return len(interaction.client.guilds) <= 1 or is_operator(interaction)


def require_operator(interaction: discord.Interaction) -> None:
    """Refuse what concerns every server, unless the operator asks or this is the only server there is."""
    require_admin(interaction)
    if not looks_after_all(interaction):
        raise Refusal(_("The queue is shared by several servers; ask whoever runs this bot to do that."))


def owns(job: Job, interaction: discord.Interaction) -> bool:
    """Whether the member asked for the job, or looks after the server it was asked for in."""
    return job.user_id == interaction.user.id or (job.guild_id == interaction.guild_id and is_admin(interaction))


def may_look_at(job: Job, interaction: discord.Interaction) -> bool:
    """Whether the member may have the job's pictures shown again: admins not those that were drawn in private."""
    return owns(job, interaction) and (job.user_id == interaction.user.id or not job.is_private)


def require_owner_of(job: Job, interaction: discord.Interaction) -> None:
    """Refuse to touch somebody else's job; admins of the job's own server may."""
    if not owns(job, interaction):
        raise Refusal(_("That is another member's picture; only they or an admin can do that."))
