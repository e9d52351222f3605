"""Upscale: the picture twice as large with the default options, for whoever presses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.applicants import applicant_in
from bot.enlarging import Enlargement, recipe_of, which_of
from bot.interactions.base import JobButton
from bot.interactions.choosing import PictureSelect, drawn, picture_meant
from bot.interactions.custom_id import Verb, template
from bot.interactions.redraw import model_of, redraw, require_posting, take
from bot.language import N_, _
from bot.ledger.job import Job
from flux2.upscaling.request import MAX_PIXELS

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class UpscaleButton(JobButton, template=template(Verb.UPSCALE)):
    """Stands under every picture."""

    verb = Verb.UPSCALE
    text = N_("Upscale")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit an upscale of the job's only picture; of several, ask which."""
        job, labels = await drawn(interaction, self.job_id)
        require_posting(interaction, job)
        if len(labels) < 2:
            await _enlarge(interaction, self.job_id, 1)
        else:
            await ask_which(interaction, job, labels)


async def ask_which(interaction: discord.Interaction[Flux2Bot], job: Job, labels: Sequence[str]) -> None:
    """Ask, as the first answer, which of the job's pictures is to be enlarged."""
    view = ui.View(timeout=None)
    view.add_item(UpscaleSelect(job.id, labels))
    asked = _("Which of them shall be twice as large?")
    await interaction.response.send_message(asked, view=view, ephemeral=True)


class UpscaleSelect(PictureSelect, template=template(Verb.UPSCALE_WHICH)):
    """Enlarges the picture that is chosen."""

    verb = Verb.UPSCALE_WHICH

    async def act(self, interaction: discord.Interaction[Flux2Bot], number: int) -> None:
        """Admit an upscale of that one."""
        await _enlarge(interaction, self.job_id, number)


async def _enlarge(interaction: discord.Interaction[Flux2Bot], job_id: str, number: int) -> None:
    job, _labels = await drawn(interaction, job_id)
    if not await take(interaction, job):
        return
    services = interaction.client.services
    model = await model_of(interaction, job)
    picture = await picture_meant(interaction, job, number, max_pixels=MAX_PIXELS)
    wish = Enlargement().within(await services.gate.terms(applicant_in(interaction)))
    request, notes = wish.settle(model, picture, recipe_of(job, number))
    request = await services.routes.seen(request, model)
    await redraw(interaction, job, request, source="upscale", notes=(*which_of(job, number), *notes))
