"""Who wants something drawn, as Discord's objects tell it: ids, roles, and how long they have been here."""

from __future__ import annotations

import discord

from bot import contexts
from bot.contexts import Place
from bot.policy import Applicant


def applicant_in(interaction: discord.Interaction) -> Applicant:
    """The member behind an interaction."""
    assert interaction.channel_id is not None
    user, channel_id, place = interaction.user, interaction.channel_id, contexts.place_of(interaction)
    if place is Place.OUTSIDE:
        # Roles and channels of a server we are no member of say nothing here.
        return Applicant(user_id=user.id, guild_id=None, channel_id=channel_id, is_outside=True)
    return _applicant(user, interaction.guild_id, channel_id, interaction.channel)


def author_of(message: discord.Message) -> Applicant:
    """The member behind a message."""
    guild_id = message.guild.id if message.guild else None
    return _applicant(message.author, guild_id, message.channel.id, message.channel)


def _applicant(
    user: discord.User | discord.Member, guild_id: int | None, channel_id: int, channel: object
) -> Applicant:
    member = user if isinstance(user, discord.Member) else None
    return Applicant(
        user_id=user.id,
        guild_id=guild_id,
        channel_id=channel_id,
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
        role_ids=frozenset(role.id for role in member.roles) if member else frozenset(),
        joined_at=member.joined_at if member else None,
        is_age_restricted=_is_age_restricted(channel),
    )


def _is_age_restricted(channel: object) -> bool:
    # A thread asks its parent; direct messages have no such mark, which counts as none.
    ask = getattr(channel, "is_nsfw", None)
    return bool(ask()) if callable(ask) else False
