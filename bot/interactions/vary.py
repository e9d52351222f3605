"""Vary: more pictures like this one. Asks how different, which one is meant, and offers a better model for a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.interactions.base import JobButton
from bot.interactions.choosing import PictureSelect, drawn, picture_meant
from bot.interactions.custom_id import Verb, template
from bot.interactions.final import FinalButton, within_reach
from bot.interactions.redraw import model_of, redraw, require_posting, take
from bot.language import N_, _
from bot.ledger.job import Job
from bot.variations import STRONG, SUBTLE, finer, varied
from flux2.models import Model

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class VaryButton(JobButton, template=template(Verb.VARY)):
    """Stands under every picture."""

    verb = Verb.VARY
    text = N_("Vary")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Ask. Not deferred: a deferred press could only be followed up by a message that everybody sees."""
        job, labels = await drawn(interaction, self.job_id)
        require_posting(interaction, job)
        model = finer(job.request, await within_reach(interaction, now=False))
        text, view = _question(job, labels, 1, model)
        await interaction.response.send_message(text, view=view, ephemeral=True)


def _question(job: Job, labels: tuple[str, ...], number: int, model: Model | None) -> tuple[str, ui.View]:
    said = [_("**Subtle** changes details of the picture, **Strong** changes more of it.")]
    if model is not None:
        said.append(
            _("**Final** draws it with {model} in {steps} steps, from this one as a draft.").format(
                model=model.name, steps=model.default_steps
            )
        )
    view = ui.View(timeout=None)
    if len(labels) > 1:
        view.add_item(VarySelect(job.id, labels, number))
    view.add_item(SubtleButton(job.id, number=number))
    view.add_item(StrongButton(job.id, number=number))
    if model is not None:
        view.add_item(FinalButton(job.id, number=number))
    return "\n".join(said), view


class VarySelect(PictureSelect, template=template(Verb.VARY_WHICH)):
    """Chooses the picture that the buttons beside it mean."""

    verb = Verb.VARY_WHICH

    async def act(self, interaction: discord.Interaction[Flux2Bot], number: int) -> None:
        """Ask again, about that one."""
        job, labels = await drawn(interaction, self.job_id)
        model = finer(job.request, await within_reach(interaction, now=False))
        text, view = _question(job, labels, number, model)
        await interaction.response.edit_message(content=text, view=view)


class SubtleButton(JobButton, template=template(Verb.SUBTLE)):
    """Draws the picture anew with other details."""

    verb = Verb.SUBTLE
    text = N_("Subtle")
    style = discord.ButtonStyle.primary

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit it."""
        await _vary(interaction, self.job_id, self.number, SUBTLE)


class StrongButton(JobButton, template=template(Verb.STRONG)):
    """Draws the picture anew and keeps less of it."""

    verb = Verb.STRONG
    text = N_("Strong")
    style = discord.ButtonStyle.primary

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit it."""
        await _vary(interaction, self.job_id, self.number, STRONG)


async def _vary(interaction: discord.Interaction[Flux2Bot], job_id: str, number: int, strength: float) -> None:
    job, _labels = await drawn(interaction, job_id)
    if not await take(interaction, job):
        return
    model = await model_of(interaction, job)
    picture = await picture_meant(interaction, job, number)
    request, notes = varied(job, model, number, picture, strength)
    await redraw(interaction, job, request, source="vary", notes=notes)
