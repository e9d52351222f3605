"""Which job a message of the bot's tells of: by the record of what was posted, else by the buttons under it.

The same picture may be posted again any number of times; only the first message is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.interactions.custom_id import parse
from bot.ledger.job import Job

if TYPE_CHECKING:
    from bot.client import Flux2Bot


async def job_told_by(message: discord.Message, client: Flux2Bot) -> Job | None:
    """The job whose result, status or re-post `message` is; only buttons of our own messages are believed."""
    ledger = client.services.ledger
    job = await ledger.by_result_message(message.id)
    if job is not None or client.user is None or message.author.id != client.user.id:
        return job
    buttons = (item for row in message.components for item in getattr(row, "children", ()))
    named = filter(None, (parse(str(getattr(button, "custom_id", ""))) for button in buttons))
    _, job_id = next(named, (None, None))
    return await ledger.get(job_id) if job_id else None
