"""Use, Edit and Original under rewritten prompts and descriptions: draws from the words, others, or the old ones.

What is drawn from words that were rewritten is not rewritten again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.applicants import applicant_in
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, custom_id, parse, template
from bot.interactions.forms import Filled
from bot.interactions.redraw import redraw, require_posting, take
from bot.language import N_, _
from bot.ledger.job import Job
from bot.options import Options
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot

MAX_FIELD = 4000
"""Characters of a text field; Discord's own cap, below that of a prompt."""
FORM = custom_id(Verb.REWORD, "")
"""How the ids of the form begin."""
_PROMPT = "prompt"
_FORGET_S = 900


class UseButton(JobButton, template=template(Verb.USE)):
    """Draws from the words that were found."""

    verb = Verb.USE
    text = N_("Use")
    style = discord.ButtonStyle.primary

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit a picture from the job's words."""
        job = await job_of(interaction, self.job_id)
        if not await take(interaction, job):
            return
        await _draw(interaction, job, _words_of(job), source="use")


class OriginalButton(JobButton, template=template(Verb.ORIGINAL)):
    """Draws from the words that were there before."""

    verb = Verb.ORIGINAL
    text = N_("Original")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Admit a picture from the job's own prompt."""
        job = await job_of(interaction, self.job_id)
        if not await take(interaction, job):
            return
        await _draw(interaction, job, job.request.prompt, source="original")


class RewordButton(JobButton, template=template(Verb.REWORD)):
    """Opens the words to be changed before they are drawn."""

    verb = Verb.REWORD
    text = N_("Edit")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Open the form: it must be the first answer, so nothing is deferred here."""
        job = await job_of(interaction, self.job_id)
        require_posting(interaction, job)
        await interaction.response.send_modal(_form(job))


def _form(job: Job) -> ui.Modal:
    words = _words_of(job)
    fits = len(words) <= MAX_FIELD
    modal = ui.Modal(title=_("Edit the words"), custom_id=custom_id(Verb.REWORD, job.id), timeout=_FORGET_S)
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=_PROMPT,
        style=discord.TextStyle.paragraph,
        default=words if fits else None,
        placeholder=None if fits else _("Too long to show here: leave it empty to keep it, or write a new one."),
        required=False,
        max_length=MAX_FIELD,
    )
    modal.add_item(ui.Label(text=_("Prompt"), description=_("It is drawn as it stands here."), component=field))
    return modal


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Draw from a submitted form."""
    parsed = parse(filled.custom_id)
    if parsed is None or interaction.message is None:
        raise Refusal(_("This form is too old; press the button again."))
    job = await job_of(interaction, parsed[1])
    if not await take(interaction, job):
        return
    await _draw(interaction, job, filled.texts.get(_PROMPT, "").strip() or _words_of(job), source="use")


def _words_of(job: Job) -> str:
    if not job.words:
        raise Refusal(_("There are no words here to draw from; ask for them again with /enhance or /describe."))
    return job.words


async def _draw(interaction: discord.Interaction[Flux2Bot], job: Job, prompt: str, *, source: str) -> None:
    services = interaction.client.services
    # A described picture is not drawn over: its words are to do without it.
    pictures = job.request.reference_images if job.request.prompt else ()
    models = await services.offer.look()
    model = job.request.model if job.request.model in models else None
    settled = await services.casting.settle(applicant_in(interaction), Options(prompt=prompt, model=model), pictures)
    await redraw(interaction, job, settled.request, source=source, notes=settled.notes, asked=settled.asked)
