"""Permission bits and how roles and overwrites add up to what somebody may do in a channel."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.guild import Channel, Guild


class Permission(IntFlag):
    """Discord's bits, as far as this world uses them."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51


NOTHING = Permission(0)
ALL = Permission((1 << 53) - 1)

EVERYONE = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.ADD_REACTIONS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.USE_EXTERNAL_APPS
)
"""What @everyone may do in a new guild."""

BOT = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What a bot invited with the permissions it asks for gets."""

IN_DM = BOT | Permission.ADD_REACTIONS | Permission.USE_EXTERNAL_EMOJIS | Permission.MENTION_EVERYONE
"""What both sides may do in a direct message."""


def base(guild: Guild, user_id: int) -> Permission:
    """What a member's roles allow in the guild, before any channel has a say."""
    if user_id == guild.owner_id:
        return ALL
    allowed = guild.roles[guild.id].permissions
    for role_id in guild.members[user_id].role_ids:
        allowed |= guild.roles[role_id].permissions
    return ALL if allowed & Permission.ADMINISTRATOR else allowed


def compute(guild: Guild, user_id: int, channel: Channel) -> Permission:
    """What a member may do in a channel; a thread asks its parent. Nothing for somebody who is no member."""
    if user_id not in guild.members:
        return NOTHING
    allowed = base(guild, user_id)
    if allowed == ALL:
        return ALL
    holder = guild.channels.get(channel.parent_id or 0, channel) if channel.is_thread else channel
    everyone = holder.overwrites.get(guild.id)
    if everyone:
        allowed = allowed & ~everyone.deny | everyone.allow
    of_roles = [holder.overwrites[role] for role in guild.members[user_id].role_ids if role in holder.overwrites]
    for overwrite in of_roles:
        allowed &= ~overwrite.deny
    for overwrite in of_roles:
        allowed |= overwrite.allow
    own = holder.overwrites.get(user_id)
    if own:
        allowed = allowed & ~own.deny | own.allow
    return _implied(allowed, channel)


def _implied(allowed: Permission, channel: Channel) -> Permission:
    """Without seeing a channel nothing is allowed there; without sending, neither files nor links nor pings."""
    if not allowed & Permission.VIEW_CHANNEL:
        return NOTHING
    sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
    if not allowed & sending:
        allowed &= ~(Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE)
    return allowed
