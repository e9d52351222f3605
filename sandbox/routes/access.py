"""Finds what a path names and checks that the bot may do what it asks for. Raises the API's own errors."""

from __future__ import annotations

from aiohttp import web

from sandbox.guild import Channel, Guild, ThreadState
from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.wire import ApiError
from sandbox.world import World


def number(request: web.Request, name: str) -> int:
    """An id from the path. Raises ApiError 50035 for anything but digits."""
    text = request.match_info[name]
    if not text.isdigit():
        message = f'Value "{text}" is not snowflake.'
        errors = {f"{name}_id": {"_errors": [{"code": "NUMBER_TYPE_COERCE", "message": message}]}}
        raise ApiError(50035, errors=errors)
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """A yes or no in the query."""
    return request.query.get(name, "").lower() in ("1", "true")


class Access:
    """Looks at one world through the bot's eyes."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guild(self, request: web.Request) -> Guild:
        """The guild of the path, if the bot is in it. Raises ApiError 10004."""
        guild = self.world.guilds.get(number(request, "guild"))
        if guild is None or self.world.bot.id not in guild.members:
            raise ApiError(10004)
        return guild

    def channel(self, request: web.Request, *needed: Permission) -> Channel:
        """The channel of the path. Raises ApiError 10003, 50001 or 50013."""
        self.world.archive_idle_threads()
        channel = self.world.channels.get(number(request, "channel"))
        if channel is None:
            raise ApiError(10003)
        self.require(channel, *needed)
        return channel

    def require(self, channel: Channel, *needed: Permission) -> None:
        """Check permissions in a channel. Raises ApiError 50001 if it cannot be seen, 50013 if more is missing."""
        allowed = self.world.permissions(self.world.bot, channel)
        if not allowed & Permission.VIEW_CHANNEL:
            raise ApiError(50001)
        for permission in needed:
            if not allowed & permission:
                raise ApiError(50013)

    def can(self, channel: Channel, permission: Permission) -> bool:
        """True if the bot has a permission there."""
        return bool(self.world.permissions(self.world.bot, channel) & permission)

    def message(self, request: web.Request, channel: Channel) -> Message:
        """The message of the path; ephemeral ones are out of reach. Raises ApiError 10008."""
        message = self.world.message(number(request, "message"))
        if message is None or message.channel_id != channel.id or message.ephemeral_for is not None:
            raise ApiError(10008)
        return message

    def require_sending(self, channel: Channel) -> None:
        """Check that the bot may post. Raises ApiError 50001, 50013, 50007 or 50278."""
        sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        self.require(channel, sending)
        if not channel.is_dm:
            return
        for user in channel.recipients:
            if user is self.world.bot:
                continue
            if not user.accepts_dms:
                raise ApiError(50007)
            if not any(user.id in guild.members for guild in self._bot_guilds()):
                raise ApiError(50278)

    def _bot_guilds(self) -> list[Guild]:
        return [guild for guild in self.world.guilds.values() if self.world.bot.id in guild.members]

    def thread(self, request: web.Request) -> tuple[Channel, ThreadState]:
        """The thread of the path. Raises ApiError 10003, 50001 or 50024."""
        channel = self.channel(request)
        if channel.thread is None:
            raise ApiError(50024)
        return channel, channel.thread

    @staticmethod
    def require_open(channel: Channel) -> None:
        """Check that a thread is not archived. Raises ApiError 50083."""
        if channel.thread is not None and channel.thread.archived:
            raise ApiError(50083)
