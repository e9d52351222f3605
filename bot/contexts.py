"""Where commands may be used, and how far the bot reaches from where one was: its servers, its direct messages, and
places it is no member of, where only answers to the interaction itself get through.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot import access
from bot.ledger.job import Reach

if TYPE_CHECKING:
    from bot.client import Flux2Bot


_BY_SERVER = 0
"""Discord's number for an installation by a server."""


class Place(StrEnum):
    """What the bot is where something is asked."""

    SERVER = "server"
    """A member."""
    DIRECT = "direct"
    """One of two: direct messages with it."""
    OUTSIDE = "outside"
    """Nobody: a server without it, or direct messages between others. The member brought it along."""


def open_up(tree: app_commands.CommandTree[Any], *, direct_messages: bool, user_install: bool) -> None:
    """Let members have every command in all places the operator wants; those for admins are declared for servers."""
    for command in (*tree.get_commands(), *tree.get_commands(type=discord.AppCommandType.message)):
        if not command.guild_only:
            command.allowed_contexts = app_commands.AppCommandContext(
                guild=True, dm_channel=direct_messages, private_channel=user_install
            )
            command.allowed_installs = app_commands.AppInstallationType(guild=True, user=user_install)


def place_of(interaction: discord.Interaction[Any]) -> Place:
    """What the bot is where the interaction came from."""
    if interaction.guild_id is not None:
        return Place.SERVER if interaction.client.get_guild(interaction.guild_id) else Place.OUTSIDE
    return Place.OUTSIDE if interaction.context.private_channel else Place.DIRECT


def reach_of(interaction: discord.Interaction[Any], *, private: bool = False) -> Reach:
    """How a result gets to the member from there. In direct messages everything is private."""
    match place_of(interaction):
        case Place.DIRECT:
            return Reach.CHANNEL if _may_write(interaction) else Reach.ANSWER
        case Place.SERVER if not private:
            return Reach.CHANNEL
        case Place.OUTSIDE if not private:
            return Reach.ANSWER
    return Reach.PRIVATE


def _may_write(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot may write to the member by itself: Discord wants the two to share a server.

    It says so by naming a server's installation, which the library tells of servers only.
    """
    return _BY_SERVER in interaction._integration_owners


def server_of(interaction: discord.Interaction[Any]) -> int | None:
    """The server whose rules hold: one the bot is a member of."""
    return interaction.guild_id if place_of(interaction) is Place.SERVER else None


def require_posting(interaction: discord.Interaction[Flux2Bot], *, private: bool = False) -> None:
    """Refuse a channel of a server that the bot may not post pictures in; answers need no permission."""
    if place_of(interaction) is Place.SERVER and not private:
        in_thread = isinstance(interaction.channel, discord.Thread)
        access.require_posting(interaction.app_permissions, in_thread=in_thread)
