"""Where a command is used, and by whose installation: a server's, a member's own, or both. Discord's numbers."""

from __future__ import annotations

from enum import IntEnum

from sandbox.command import RegisteredCommand
from sandbox.guild import Channel, ChannelType, User
from sandbox.permissions import Permission
from sandbox.wire import Json
from sandbox.world import World


class Context(IntEnum):
    """Where."""

    GUILD = 0
    BOT_DM = 1
    PRIVATE_CHANNEL = 2


GUILD_INSTALL, USER_INSTALL = "0", "1"
"""Kinds of installation, as keys of `authorizing_integration_owners`."""
_TOLD_IN_DM = Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE


def context(world: World, channel: Channel) -> Context:
    """Which of the three a channel is."""
    if channel.guild_id is not None:
        return Context.GUILD
    is_bots = channel.type is ChannelType.DM and world.bot in channel.recipients
    return Context.BOT_DM if is_bots else Context.PRIVATE_CHANNEL


def owners(world: World, user: User, channel: Channel) -> Json:
    """Who installed the application so that `user` may use it in `channel`: the guild, the user, both or nobody."""
    found: Json = {}
    guild = world.guild_of(channel)
    if guild is not None and world.bot.id in guild.members:
        found[GUILD_INSTALL] = str(guild.id)
    elif context(world, channel) is Context.BOT_DM and _share_a_guild(world, user):
        found[GUILD_INSTALL] = "0"
    if user.id in world.application.installed_by:
        found[USER_INSTALL] = str(user.id)
    return found


def _share_a_guild(world: World, user: User) -> bool:
    return any({world.bot.id, user.id} <= guild.members.keys() for guild in world.guilds.values())


def owners_of(world: World, user: User, channel: Channel, command: RegisteredCommand) -> Json:
    """The same for one command, which may take only one kind of installation, or not this place."""
    if context(world, channel) not in command.contexts:
        return {}
    kinds = {str(kind) for kind in command.integration_types}
    return {kind: owner for kind, owner in owners(world, user, channel).items() if kind in kinds}


def is_muted(world: World, user: User, channel: Channel, owners: Json) -> bool:
    """Whether all answers are for the user alone: a server without the bot can keep users' own apps quiet."""
    if GUILD_INSTALL in owners or channel.guild_id is None:
        return False
    return not world.permissions(user, channel) & Permission.USE_EXTERNAL_APPS


def app_permissions(world: World, user: User, channel: Channel) -> Permission:
    """What an interaction tells the application it may do: its own permissions, its user's, or those of messages."""
    match context(world, channel):
        case Context.BOT_DM:
            return _TOLD_IN_DM | Permission.USE_EXTERNAL_EMOJIS
        case Context.PRIVATE_CHANNEL:
            return _TOLD_IN_DM
    guild = world.guild_of(channel)
    is_member = guild is not None and world.bot.id in guild.members
    return world.permissions(world.bot if is_member else user, channel)
