"""A direct message when a picture is there, for members who asked for one with /settings.

A courtesy: a bell that does not ring costs nobody a picture, so nothing is stored and nothing is tried twice.
"""

from __future__ import annotations

import asyncio
import logging

import discord

from bot import titles
from bot.language import _
from bot.ledger.job import Job
from bot.ledger.presets import Shelf
from bot.presenter import result_url
from bot.running import end
from worker.contract import Delivered, Event

_log = logging.getLogger(__name__)

_PROMPT_SHOWN = 100


class Bell:
    """Watches what is delivered."""

    def __init__(self, client: discord.Client, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf
        self._ringing: set[asyncio.Task[None]] = set()

    async def observe(self, job: Job, event: Event) -> None:
        """Ring for a delivered picture, beside the news and not in their way."""
        if isinstance(event, Delivered):
            task = asyncio.create_task(self._ring(job), name=f"bell-{job.id}")
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)

    async def close(self) -> None:
        """Ring no more."""
        await end(list(self._ringing))

    async def _ring(self, job: Job) -> None:
        try:
            preferred = await self._shelf.preferences(job.user_id)
            if not preferred.dm_on_finish or not job.pictures or job.is_private:
                return
            user = self._client.get_user(job.user_id) or await self._client.fetch_user(job.user_id)
            title = titles.of(job, _PROMPT_SHOWN)
            await user.send(_("Your picture {title} is there: {where}").format(title=title, where=result_url(job)))
        except discord.DiscordException as error:
            _log.info("Job %s: no direct message: %s", job.id, error)
        except Exception:  # noqa: BLE001 - task boundary: nobody waits for this task, so it answers for itself
            _log.exception("Job %s: the bell broke.", job.id)
