"""Final: a draft that pleases, drawn by a better model that looks at it, or by the same one with all its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.applicants import applicant_in
from bot.interactions.base import JobButton
from bot.interactions.choosing import drawn, picture_meant
from bot.interactions.custom_id import Verb, template
from bot.interactions.redraw import redraw, take
from bot.language import N_
from bot.variations import finished
from flux2.models import Model
from flux2.request import GenerationRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot


async def within_reach(interaction: discord.Interaction[Flux2Bot], *, now: bool) -> dict[str, Model]:
    """The models that run and that the member may draw with; `now` looks again, else the last look will do.

    Raises Refusal.
    """
    services = interaction.client.services
    live = await services.offer.look() if now or not services.offer.seen else services.offer.seen
    terms = await services.gate.terms(applicant_in(interaction))
    return {name: terms.lowered(model) for name, model in live.items() if terms.allows_model(name)}


class FinalButton(JobButton, template=template(Verb.FINAL)):
    """Stands beside what Vary asks, where a better model runs."""

    verb = Verb.FINAL
    text = N_("Final")
    style = discord.ButtonStyle.success

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit it."""
        job, _labels = await drawn(interaction, self.job_id)
        if not await take(interaction, job):
            return
        live = await within_reach(interaction, now=True)
        picture = await picture_meant(interaction, job, self.number)
        request, notes = finished(job, live, self.number, picture)
        # The draft is image 1 to the model alone; a list's words are those of one picture only.
        is_list = isinstance(job.request, GenerationRequest) and job.request.variants
        words = "" if is_list else job.asked or job.request.prompt
        asked = "" if words == request.prompt else words
        await redraw(interaction, job, request, source="final", notes=notes, asked=asked)
