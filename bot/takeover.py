"""What a new process does first: finds a place for every job whose acceptance the former one did not live to finish.

Such a job is in the ledger and has no destination. Its result goes to the channel it was asked for in, and the message
that told of it, if it got that far, is told on. Declines to know what that message says (bot/narration.py).
"""

from __future__ import annotations

import logging
from datetime import timedelta

import aiohttp
import discord

from bot.admission import channel_itself
from bot.ledger.job import Job, Status
from bot.ledger.ledger import Ledger
from bot.status_message import StatusMessages

_log = logging.getLogger(__name__)


async def take_over(ledger: Ledger, messages: StatusMessages) -> None:
    """Place what was left unplaced. Call it before anything is admitted."""
    for job in await ledger.unplaced(timedelta(0)):
        _log.warning("job %s was accepted and not placed; its result goes to channel %d", job.id, job.channel_id)
        await ledger.set_destination(job.id, channel_itself(job), job.status or await _find(job, messages))


async def _find(job: Job, messages: StatusMessages) -> Status | None:
    try:
        return await messages.find(job)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        # The job goes on without one: its result says all that matters.
        _log.warning("job %s: its status message cannot be looked for (%s)", job.id, error)
        return None
