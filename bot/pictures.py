"""Finds the picture a member points at: in the blobs by content, else in the message that shows it."""

from __future__ import annotations

import asyncio

import discord

from bot.ledger.job import Job
from bot.refusal import Refusal
from bot.services import Services
from flux2.request import ReferenceImage


async def picture_of(job: Job, shown: discord.Message | None, services: Services) -> ReferenceImage:
    """Return the job's first picture as a reference; `shown` is the message that holds it. Raises Refusal."""
    if job.pictures:
        picture = job.pictures[0]
        if await asyncio.to_thread(services.blobs.exists, picture.sha256):
            return ReferenceImage(sha256=picture.sha256, width=picture.width, height=picture.height)
    if shown is not None and shown.attachments:
        return (await services.attachments.read(shown.attachments[:1])).pictures[0]
    raise Refusal("That picture is no longer stored; attach it to /imagine instead.")
