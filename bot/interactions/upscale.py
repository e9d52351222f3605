"""Upscale: the picture twice as large with the default options, for whoever presses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import answers
from bot.enlarging import Enlargement, first_of, recipe_of
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.interactions.redraw import redraw, require_posting
from bot.language import N_
from bot.pictures import picture_of
from flux2.upscaling.request import MAX_PIXELS

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class UpscaleButton(JobButton, template=template(Verb.UPSCALE)):
    """Stands under every picture."""

    verb = Verb.UPSCALE
    text = N_("Upscale")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit an upscale of the job's first picture."""
        require_posting(interaction)
        if not await answers.acknowledge(interaction):
            return
        services = interaction.client.services
        job = await job_of(interaction, self.job_id)
        models = await services.offer.look()
        own = job.request.model if job.request.model in models else None
        model = services.offer.pick(own, services.gate.default_model(interaction.guild_id))
        picture = await picture_of(job, interaction.message, services, max_pixels=MAX_PIXELS)
        request, notes = Enlargement().settle(model, picture, recipe_of(job))
        request = await services.routes.seen(request, model)
        await redraw(interaction, job, request, source="upscale", notes=(*first_of(job), *notes))
