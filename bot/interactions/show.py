"""Post again: posts pictures that no channel took, through the interaction itself, which needs no permission."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import access, answers, presenter
from bot.interactions.again import AgainButton
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.interactions.edit import EditButton
from bot.ledger.job import Job
from bot.refusal import Refusal
from worker.blobs import BlobMissing, Blobs

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_ALT_TEXT = 1024


class ShowButton(JobButton, template=template(Verb.SHOW)):
    """Stands in the answer of /jobs, one for each job whose result could not be posted."""

    verb = Verb.SHOW
    text = "Post again"

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Post the pictures where the member is now."""
        job = await job_of(interaction, self.job_id)
        access.require_owner_of(job, interaction)
        if not await answers.acknowledge(interaction):
            return
        if sum(picture.size_bytes for picture in job.pictures) > interaction.filesize_limit:
            raise Refusal("The pictures are too large for this channel; draw them again as webp or in a smaller size.")
        files = await asyncio.to_thread(_files, job, interaction.client.services.blobs)
        view = ui.View(timeout=None)
        view.add_item(AgainButton(job.id))
        view.add_item(EditButton(job.id))
        await interaction.followup.send(presenter.status(job, "Drawn earlier"), files=files, view=view)


def _files(job: Job, blobs: Blobs) -> list[discord.File]:
    try:
        contents = [blobs.get(picture.sha256) for picture in job.pictures]
    except BlobMissing as gone:
        raise Refusal("These pictures are no longer stored; draw them again with /imagine.") from gone
    alt_text = presenter.shorten("AI-generated picture: " + job.request.prompt, _ALT_TEXT)
    return [
        discord.File(io.BytesIO(data), f"flux2-{job.id}-{i}.{picture.output_format}", description=alt_text)
        for i, (data, picture) in enumerate(zip(contents, job.pictures, strict=True), start=1)
    ]
