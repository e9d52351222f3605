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
from worker.contract import SPOILER


async def picture_of(
    job: Job, shown: discord.Message | None, services: Services, number: int = 1, *, max_pixels: int = KEPT_PIXELS
) -> ReferenceImage:
    """Return the job's picture `number`, from 1, as a reference; `shown` is the message that holds it. Raises Refusal.

    `max_pixels` bounds what is kept of one that is no longer stored.
    """
    if len(job.pictures) >= number:
        picture = job.pictures[number - 1]
        if await asyncio.to_thread(services.blobs.exists, picture.sha256):
            return ReferenceImage(sha256=picture.sha256, width=picture.width, height=picture.height)
    if shown is not None and len(shown.attachments) >= number:
        attached = shown.attachments[number - 1]
        return (await services.attachments.read([attached], max_pixels=max_pixels)).pictures[0]
    raise Refusal(_("That picture is no longer stored; attach it to /imagine instead."))


async def pictures_of(
    job: Job, shown: discord.Message | None, services: Services, numbers: tuple[int, ...]
) -> tuple[ReferenceImage, ...]:
    """Return those of the job's pictures, counted from 1, as `picture_of` does with one. Raises Refusal."""
    return tuple([await picture_of(job, shown, services, number) for number in numbers])


def files_of(job: Job, blobs: Blobs) -> list[discord.File]:
    """Return the job's pictures as files to send. Reads the blobs: not for the event loop. Raises Refusal."""
    try:
        contents = [blobs.get(picture.sha256) for picture in job.pictures]
    except BlobMissing as gone:
        raise Refusal(_("These pictures are no longer stored; draw them again with /imagine.")) from gone
    hides_all = job.skeleton.file_stem.startswith(SPOILER)
    return [
        # The skeleton's name: what is behind a click stays there.
        discord.File(
            io.BytesIO(data),
            f"{job.skeleton.file_stem.removeprefix(SPOILER)}-{i}.{picture.output_format}",
            description=titles.alt_text(job.request, i),
            spoiler=hides_all or picture.spoiler,
        )
        for i, (data, picture) in enumerate(zip(contents, job.pictures, strict=True), start=1)
    ]
