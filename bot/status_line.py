"""One status message's own task: says the latest text, not oftener than allowed, and a final text exactly once, last.

Texts between two edits are dropped: only the newest is worth a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import aiohttp
import discord

from bot.ledger.job import Status
from bot.status_message import StatusGone, StatusMessages

_log = logging.getLogger(__name__)

_CHANNEL_SPACING_S = 1.0
"""Between two passing edits in one channel: about five a second is all Discord takes there, pictures included."""
_OLD_MESSAGE_S = 3600
"""Discord limits edits of messages older than an hour, so those are only told how it ended."""
_FINAL_TRIES = 5


class Pace:
    """Spaces the passing edits of one channel, so that many waiting jobs do not use up its rate limit."""

    def __init__(self) -> None:
        self._free_at: dict[int, float] = {}

    def take(self, channel_id: int, now: float) -> float:
        """Reserve the channel's next free moment and return it, in the loop's time."""
        moment = max(now, self._free_at.get(channel_id, 0.0))
        self._free_at = {channel: free for channel, free in self._free_at.items() if free > now}
        self._free_at[channel_id] = moment + _CHANNEL_SPACING_S
        return moment


class StatusLine:
    """The status message of one job."""

    def __init__(self, status: Status, messages: StatusMessages, pace: Pace, interval_s: float) -> None:
        self._status = status
        self._messages = messages
        self._pace = pace
        self._interval_s = interval_s
        self._wanted = ""
        self._shown = ""
        self._preview: bytes | None = None
        """Waiting to be shown; None once it is."""
        self._has_preview = False
        self._is_final = False
        self._changed = asyncio.Event()
        self._final = asyncio.Event()
        self._next_at = 0.0

    def has_shown(self, text: str) -> None:
        """Take note that the message was written this moment, with `text`."""
        self._shown = text
        if not self._is_final:  # somebody may have cancelled while the message was written
            self._wanted = text
        self._next_at = asyncio.get_running_loop().time() + self._interval_s

    def say(self, text: str, *, final: bool = False) -> None:
        """Show `text` as soon as it may be; after a final text nothing else is ever shown."""
        # An unchanged text must not take one of the channel's turns.
        if self._is_final or (text == self._wanted and not final):
            return
        self._wanted, self._is_final = text, final
        self._changed.set()
        if final:
            self._final.set()

    def picture(self, preview: bytes) -> None:
        """Show a picture in the making with the next edit; a final text takes it away."""
        if not self._is_final:
            self._preview = preview
            self._changed.set()

    async def run(self, on_final: Callable[[], Awaitable[None]]) -> None:
        """Edit until the final text stands or the message is gone, then call `on_final`."""
        try:
            while not self._final.is_set():
                await self._changed.wait()
                await self._wait_for_turn()
                self._changed.clear()
                if not self._final.is_set():
                    await self._show_passing()
            await self._show_final()
        except StatusGone as gone:
            _log.info("Status message %d cannot be edited any more (%s).", self._status.message_id, gone)
            # The job goes on; only its end is still to be noted.
            await self._final.wait()
        await on_final()

    async def _wait_for_turn(self) -> None:
        """Sleep until a passing edit may be made; a final text does not wait."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        turn = max(self._next_at, self._pace.take(self._status.channel_id, now))
        if turn > now:
            # Not wait_for: before Python 3.12 it loses a cancel that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(turn - now):
                    await self._final.wait()

    async def _show_passing(self) -> None:
        age = discord.utils.utcnow() - discord.utils.snowflake_time(self._status.message_id)
        text, preview = self._wanted, self._preview
        if (text == self._shown and preview is None) or age.total_seconds() > _OLD_MESSAGE_S:
            return
        try:
            await self._messages.edit(self._status, text, final=False, pictures=None if preview is None else [preview])
            self._shown = text
            if preview is not None:
                self._has_preview = True
                self._preview = None if self._preview is preview else self._preview
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            # The next text says more than a second try of this one would.
            _log.info("Status message %d was not edited: %s", self._status.message_id, error)
        self._next_at = asyncio.get_running_loop().time() + self._interval_s

    async def _show_final(self) -> None:
        for attempt in range(1, _FINAL_TRIES + 1):
            try:
                await self._messages.edit(
                    self._status, self._wanted, final=True, pictures=[] if self._has_preview else None
                )
                return
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                if attempt == _FINAL_TRIES:
                    raise
                _log.warning("Final text of status message %d: try %d: %s", self._status.message_id, attempt, error)
                await asyncio.sleep(min(30.0, 2.0**attempt))
