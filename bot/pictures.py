"""A finished job's pictures: to refer to, in the blobs by content, else in the message that shows them; and to send."""

from __future__ import annotations

import asyncio
import io

import discord

from bot import titles
from bot.attachments import KEPT_PIXELS
from bot.language import _
from bot.ledger.job import Job
from bot.refusal import Refusal
from bot.services import Services
from flux2.request import ReferenceImage
from worker.blobs import BlobMissing, Blobs


async def picture_of(
    job: Job, shown: discord.Message | None, services: Services, *, max_pixels: int = KEPT_PIXELS
) -> ReferenceImage:
    """Return the job's first picture as a reference; `shown` is the message that holds it. Raises Refusal.

    `max_pixels` bounds what is kept of one that is no longer stored.
    """
    if job.pictures:
        picture = job.pictures[0]
        if await asyncio.to_thread(services.blobs.exists, picture.sha256):
            return ReferenceImage(sha256=picture.sha256, width=picture.width, height=picture.height)
    if shown is not None and shown.attachments:
        return (await services.attachments.read(shown.attachments[:1], max_pixels=max_pixels)).pictures[0]
    raise Refusal(_("That picture is no longer stored; attach it to /imagine instead."))


async def pictures_of(
    job: Job, shown: discord.Message | None, services: Services, numbers: tuple[int, ...]
) -> tuple[ReferenceImage, ...]:
    """Return those of the job's pictures, counted from 1, as `picture_of` does with the first. Raises Refusal."""
    found = []
    for number in numbers:
        picture = job.pictures[number - 1]
        if await asyncio.to_thread(services.blobs.exists, picture.sha256):
            found.append(ReferenceImage(sha256=picture.sha256, width=picture.width, height=picture.height))
        elif shown is not None and len(shown.attachments) >= number:
            found += (await services.attachments.read([shown.attachments[number - 1]])).pictures
        else:
            raise Refusal(_("That picture is no longer stored; attach it to /edit instead."))
    return tuple(found)


def files_of(job: Job, blobs: Blobs) -> list[discord.File]:
    """Return the job's pictures as files to send. Reads the blobs: not for the event loop. Raises Refusal."""
    try:
        contents = [blobs.get(picture.sha256) for picture in job.pictures]
    except BlobMissing as gone:
        raise Refusal(_("These pictures are no longer stored; draw them again with /imagine.")) from gone
    alt_text = titles.alt_text(job.request)
    return [
        # The skeleton's name: what is behind a click stays there.
        discord.File(io.BytesIO(data), f"{job.skeleton.file_stem}-{i}.{picture.output_format}", description=alt_text)
        for i, (data, picture) in enumerate(zip(contents, job.pictures, strict=True), start=1)
    ]
