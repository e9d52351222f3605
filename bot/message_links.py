"""Links to messages and to Discord's files: found in a text, and opened for a member who may see the channel.

The bot sees channels that a member does not: nothing is opened before the member's own permissions were looked at.
Declines to know what the pictures are for.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import discord
from discord.http import Route

from bot.language import N_, _
from bot.refusal import Refusal
from bot.remote import Remote, pictures_in

_log = logging.getLogger(__name__)

Readable = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.Thread | discord.DMChannel
"""Channels that hold messages."""

_MESSAGE = (
    r"https://(?:(?:canary|ptb)\.)?discord(?:app)?\.com/channels/"
    r"(?P<guild>\d{15,20}|@me)/(?P<channel>\d{15,20})/(?P<message>\d{15,20})"
)
_FILE = r"https?://[^\s<>\"]+/attachments/(?P<folder>\d{15,20})/\d{15,20}/[^\s<>\"?]+(?:\?[^\s<>\"]*)?"
_LINK = re.compile(rf"<?(?:{_MESSAGE}|(?P<file>{_FILE}))>?")
_UNSEEN = N_("You cannot see the channel that link leads to; save the picture and attach it instead.")
_NOT_READ = N_(
    "I find no picture in that message. Discord shows me other people's messages only through their own menu: "
    "open it there, choose Apps, then Add to references."
)


def unlinked(text: str) -> str:
    """The text with a word in the place of each link, to be read and not followed."""
    return _LINK.sub(_("(link)"), text)


@dataclass(frozen=True)
class Link:
    """A link in a text; `start` and `end` are where it stands there."""

    start: int
    end: int
    channel_id: int
    guild_id: int | None = None
    message_id: int | None = None
    """None for a link to a file."""
    file: str = ""


def links_in(text: str) -> Iterator[Link]:
    """Every link to a message or to an attached file, in order."""
    for match in _LINK.finditer(text):
        if match["file"]:
            yield Link(*match.span(), channel_id=int(match["folder"]), file=match["file"])
        else:
            guild_id = None if match["guild"] == "@me" else int(match["guild"])
            yield Link(*match.span(), int(match["channel"]), guild_id, int(match["message"]))


class LinkedPictures:
    """Opens links as the bot, on behalf of a member."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def open(self, link: Link, member: discord.User | discord.Member) -> list[Remote]:
        """Return the pictures behind `link`, one at least. Raises Refusal where `member` may not see them."""
        channel = await self._channel(link.channel_id)
        if not await self._may_read(channel, member):
            raise Refusal(_(_UNSEEN))
        if link.message_id is None:
            return [Remote.at(link.file)]
        try:
            message = await channel.fetch_message(link.message_id)
        except discord.NotFound as gone:
            raise Refusal(_("The message that link leads to is gone; attach the picture instead.")) from gone
        except discord.Forbidden as closed:
            raise Refusal(_("I cannot read the channel that link leads to; attach the picture instead.")) from closed
        pictures = pictures_in(message)
        if not pictures:
            raise Refusal(_(_NOT_READ))
        return pictures

    async def _channel(self, channel_id: int) -> Readable:
        try:
            # Asked anew where it is not known: private threads and direct messages are not.
            found = self._client.get_channel(channel_id) or await self._client.fetch_channel(channel_id)
        except (discord.NotFound, discord.Forbidden, discord.InvalidData) as hidden:
            raise Refusal(_(_UNSEEN)) from hidden
        if not isinstance(found, Readable):
            raise Refusal(_(_UNSEEN))
        return found

    async def _may_read(self, channel: Readable, member: discord.User | discord.Member) -> bool:
        if isinstance(channel, discord.DMChannel):
            return channel.recipient is not None and channel.recipient.id == member.id
        here = await self._as_member(channel.guild, member)
        if here is None or (isinstance(channel, discord.Thread) and channel.parent is None):
            return False
        allowed = channel.permissions_for(here)
        if not (allowed.view_channel and allowed.read_message_history):
            return False
        if isinstance(channel, discord.Thread) and channel.is_private() and not allowed.manage_threads:
            return await _is_in(channel, member)
        return True

    async def _as_member(self, guild: discord.Guild, member: discord.User | discord.Member) -> discord.Member | None:
        if isinstance(member, discord.Member) and member.guild.id == guild.id:
            return member
        try:
            return await guild.fetch_member(member.id)
        except discord.HTTPException:
            return None

    async def refresh(self, url: str) -> str | None:
        """Exchange a file's link for a fresh one; None where Discord does not. Permissions are the caller's to ask."""
        route = Route("POST", "/attachments/refresh-urls")
        try:
            answer = await self._client.http.request(route, json={"attachment_urls": [url]})
            (fresh,) = answer["refreshed_urls"]
            return str(fresh["refreshed"]) if fresh.get("refreshed") else None
        except (discord.DiscordException, KeyError, TypeError, ValueError) as error:
            _log.info("A link could not be refreshed: %s", error)
            return None


async def _is_in(thread: discord.Thread, member: discord.User | discord.Member) -> bool:
    try:
        await thread.fetch_member(member.id)
    except discord.HTTPException:
        return False
    return True
