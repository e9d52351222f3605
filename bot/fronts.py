"""Where a new job shows itself: a slash command's own answer with a thread under it, or a reply in the same channel."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import TYPE_CHECKING, Literal

import discord

from bot import access, answers, swatches, titles
from bot.admission import channel_itself
from bot.interactions.cancel import cancel_view
from bot.language import _
from bot.ledger.job import Job, Status
from bot.policy import Threads
from bot.refusal import Refusal
from worker.contract import Destination

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_log = logging.getLogger(__name__)

_THREAD_S = 10
"""Seconds Discord gets to open a thread; then the result goes to the channel itself."""
_ARCHIVE_MIN: Literal[60] = 60
_THREAD_EXISTS = 160004


class SlashFront:
    """The placeholder of a deferred command becomes the status message; a thread is opened from it."""

    def __init__(self, interaction: discord.Interaction[Flux2Bot], *, opens_threads: bool = True) -> None:
        """Words need no thread of their own."""
        self._interaction = interaction
        self._opens_threads = opens_threads
        self._threads: Threads = "auto"

    def agree(self, threads: Threads) -> None:
        """Open a thread always, never, or where the bot may. Raises Refusal where it must and may not."""
        interaction = self._interaction
        if not self._opens_threads:
            self._threads = "here"
            return
        may = is_thread(interaction.channel) or access.may_open_thread(interaction.app_permissions)
        if threads == "always" and not may:
            raise Refusal(
                _(
                    "Pictures here go into threads, which I may not open: ask an admin to give me Create Public "
                    "Threads and Send Messages in Threads in this channel."
                )
            )
        self._threads = threads

    async def open(self, job: Job, text: str) -> tuple[Destination, Status | None]:
        """Show `text`, open the thread. Raises discord's errors where the placeholder is gone."""
        interaction = self._interaction
        message = await interaction.edit_original_response(
            content=text, view=cancel_view(job.id), attachments=await colours(job)
        )
        status = self._status(job.channel_id, message.id)
        may = access.may_open_thread(interaction.app_permissions)
        if self._threads == "here" or is_thread(interaction.channel) or not may:
            return self.plain(job), status
        return await self._thread(job, message.id), status

    def placeholder(self) -> Status | None:
        """The deferred answer."""
        interaction = self._interaction
        message_id = answers.placeholder_id(interaction)
        if message_id is None or interaction.channel_id is None:
            return None
        return self._status(interaction.channel_id, message_id)

    def plain(self, job: Job) -> Destination:
        """The channel itself, no reply: an interaction's answer is not replied to."""
        return channel_itself(job)

    def _status(self, channel_id: int, message_id: int) -> Status:
        interaction = self._interaction
        return Status(
            channel_id=channel_id,
            message_id=message_id,
            interaction_token=interaction.token,
            token_expires_at=interaction.expires_at,
            application_id=interaction.application_id,
        )

    async def _thread(self, job: Job, message_id: int) -> Destination:
        client = self._interaction.client
        parent = client.get_partial_messageable(job.channel_id, guild_id=job.guild_id)
        if not await open_thread(client, parent.get_partial_message(message_id), job):
            return self.plain(job)
        return Destination(
            channel_id=message_id,
            guild_id=job.guild_id,
            fallback_channel_id=job.channel_id,
            dm_user_id=job.user_id,
        )


class ReplyFront:
    """An ordinary reply of the bot is the status message; the result replies to the same message."""

    def __init__(self, channel: discord.abc.Messageable, message_id: int, fallback_channel_id: int | None) -> None:
        """`message_id`: the message of `channel` that both reply to; the fallback is a thread's parent."""
        self._channel = channel
        self._message_id = message_id
        self._fallback_channel_id = fallback_channel_id

    def agree(self, threads: Threads) -> None:
        """Nothing to agree on: an answer to a message stays beside it."""

    async def open(self, job: Job, text: str) -> tuple[Destination, Status | None]:
        """Reply with `text`. Raises discord's errors."""
        message = await self._channel.send(
            text,
            view=cancel_view(job.id),
            files=await colours(job),
            reference=discord.MessageReference(
                message_id=self._message_id, channel_id=job.channel_id, fail_if_not_exists=False
            ),
            mention_author=False,
            silent=True,
            nonce=f"s{job.id}",
        )
        return self.plain(job), Status(channel_id=job.channel_id, message_id=message.id)

    def placeholder(self) -> Status | None:
        """None: the reply is made after the job, and found again by its Cancel button (bot/takeover.py)."""
        return None

    def plain(self, job: Job) -> Destination:
        """The same channel, as a reply to the same message."""
        destination = channel_itself(job, reply_to=self._message_id)
        return destination.model_copy(update={"fallback_channel_id": self._fallback_channel_id})


async def open_thread(client: Flux2Bot, message: discord.PartialMessage, job: Job) -> bool:
    """Open a thread under `message`, which gives it its id; False where Discord does not."""
    try:
        async with client.opening_threads, asyncio.timeout(_THREAD_S):
            await message.create_thread(
                name=titles.thread_name(job.request, job.asked), auto_archive_duration=_ARCHIVE_MIN
            )
    except (discord.DiscordException, ValueError, TimeoutError) as error:
        # A thread that exists already has the message's id like a new one.
        if getattr(error, "code", None) != _THREAD_EXISTS:
            _log.info("No thread for job %s: %s", job.id, error)
            return False
    return True


async def colours(job: Job) -> list[discord.File]:
    """The colours the prompt names by code, to look at while the picture is drawn."""
    shown = await asyncio.to_thread(swatches.named_by, job.request.prompt)
    if shown is None:
        return []
    data, words = shown
    return [discord.File(io.BytesIO(data), swatches.NAME, description=words)]


def is_thread(channel: object) -> bool:
    """Whether a channel of an interaction or message is a thread."""
    return isinstance(channel, discord.Thread)


def parent_of(channel: object) -> int | None:
    """The channel a thread hangs under; None for a private thread, whose pictures are not for its parent."""
    return channel.parent_id if isinstance(channel, discord.Thread) and not channel.is_private() else None
