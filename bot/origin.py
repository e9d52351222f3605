"""Which job a message of the bot's tells of: by the record of what was posted, else by the buttons under it.

The same picture may be posted again any number of times; only the first message is recorded.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord

from bot.interactions.custom_id import Verb, parse
from bot.ledger.job import OPEN, Job
from bot.ledger.ledger import Ledger

if TYPE_CHECKING:
    from bot.client import Flux2Bot


_FILE = re.compile(r"(?:SPOILER_)?flux2-(?P<job_id>[0-9a-f]{16})-")
NEWS_PAUSES_S = (0.1, 0.2, 0.4, 0.8)
"""What the news of a posting is waited for, in all half of the time that a press may go unanswered."""


async def job_posted(job_id: str, ledger: Ledger, pauses_s: Sequence[float] = NEWS_PAUSES_S) -> Job | None:
    """The job behind a button of its result: who is quick overtakes the news of the posting, so that is waited for."""
    for pause_s in pauses_s:
        job = await ledger.get(job_id)
        if job is None or job.state not in OPEN:
            return job
        await asyncio.sleep(pause_s)
    return await ledger.get(job_id)


async def job_told_by(
    message: discord.Message, client: Flux2Bot, pauses_s: Sequence[float] = NEWS_PAUSES_S
) -> Job | None:
    """The job whose result, status or re-post `message` is; only buttons of our own messages are believed."""
    ledger = client.services.ledger
    job = await ledger.by_result_message(message.id)
    if job is not None or client.user is None or message.author.id != client.user.id:
        return job
    verb, job_id = _buttons_of(message)
    if job_id is None:
        return None
    return await job_posted(job_id, ledger, () if verb is Verb.CANCEL else pauses_s)


def _buttons_of(message: discord.Message) -> tuple[Verb | None, str | None]:
    buttons = (item for row in message.components for item in getattr(row, "children", ()))
    named = filter(None, (parse(str(getattr(button, "custom_id", ""))) for button in buttons))
    return next(named, (None, None))


def named_by(message: discord.Message, client: Flux2Bot) -> str | None:
    """The id of the job that one of our own messages is of, whether or not anything is still known of it."""
    if client.user is None or message.author.id != client.user.id:
        return None
    files = filter(None, (_FILE.match(file.filename) for file in message.attachments))
    return _buttons_of(message)[1] or next((found["job_id"] for found in files), None)
