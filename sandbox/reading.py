"""What the bot may read without, and with, the privileged message-content intent, and which messages it sees at all."""

from __future__ import annotations

from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.world import World


def may_read(world: World, message: Message) -> bool:
    """True if content, embeds, attachments and components of a message are shown to the bot.

    Its own messages, direct messages and messages that mention it; a reply with ping mentions it unless it
    answers an interaction's response, which a webhook posted.
    """
    if world.application.message_content or message.author is world.bot:
        return True
    return message.guild_id is None or world.bot in message.mentions


def sees(world: World, message: Message) -> bool:
    """True if the bot is told of a message."""
    channel = world.channels[message.channel_id]
    if message.ephemeral_for is not None:
        return message.author is world.bot
    return bool(world.permissions(world.bot, channel) & Permission.VIEW_CHANNEL)
