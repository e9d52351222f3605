"""Edit: a modal with the prompt. Changed words draw the picture anew; the second field edits the picture itself.

The submit comes from bot/interactions/forms.py, so it also works after a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import recipes
from bot.applicants import applicant_in
from bot.interactions import where
from bot.interactions.base import JobButton, job_of
from bot.interactions.choosing import options_of, picture_meant
from bot.interactions.custom_id import Verb, custom_id, parse, template
from bot.interactions.forms import Filled
from bot.interactions.redraw import model_of, redraw, require_posting, take
from bot.interactions.where import Where
from bot.language import N_, _
from bot.ledger.job import Job
from bot.picks import choices, pick
from bot.refusal import Refusal
from flux2.request import GenerationRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot

MAX_FIELD = 4000
"""Characters of a text field; Discord's own cap, below that of a prompt."""
FORM = custom_id(Verb.EDIT, "")
"""How the ids of this form begin."""
_PROMPT, _CHANGE, _WHICH = "prompt", "change", "which"
_FORGET_S = 900
"""After this the library forgets a modal nobody sent; its submit is still understood."""


class EditButton(JobButton, template=template(Verb.EDIT)):
    """Stands under every result and every failure notice."""

    verb = Verb.EDIT
    text = N_("Edit")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Open the modal: it must be the first answer, so nothing is deferred here."""
        job = await job_of(interaction, self.job_id)
        require_posting(interaction, job)
        await interaction.response.send_modal(edit_modal(job))


def edit_modal(job: Job) -> ui.Modal:
    """The modal for one job."""
    prompt = job.request.prompt
    fits = len(prompt) <= MAX_FIELD
    modal = ui.Modal(title=_("Edit"), custom_id=custom_id(Verb.EDIT, job.id), timeout=_FORGET_S)
    words: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=_PROMPT,
        style=discord.TextStyle.paragraph,
        default=(prompt or None) if fits else None,
        placeholder=None if fits else _("Too long to show here: leave it empty to keep it, or write a new one."),
        required=False,
        max_length=MAX_FIELD,
    )
    modal.add_item(ui.Label(text=_("Prompt"), description=_("Other words draw the picture anew."), component=words))
    if job.pictures:
        change: ui.TextInput[ui.Modal] = ui.TextInput(
            custom_id=_CHANGE, style=discord.TextStyle.paragraph, required=False, max_length=MAX_FIELD
        )
        explained = _("Edits this picture and ignores the field above, e.g. “make the fox blue”.")
        modal.add_item(
            ui.Label(text=_("Only change this (edits the picture)"), description=explained, component=change)
        )
    if len(labels := choices(job)) > 1:
        which: ui.Select[ui.Modal] = ui.Select(custom_id=_WHICH, options=options_of(labels), required=False)
        told = _("Left empty it is the first, or the one your words name, e.g. “image 2”.")
        modal.add_item(ui.Label(text=_("Which picture is edited"), description=told, component=which))
    if job.pictures:
        where.ask(modal)
    return modal


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Take a submitted edit form."""
    parsed = parse(filled.custom_id)
    if parsed is None or interaction.message is None:
        raise Refusal(_("This form is too old; press the button again."))
    job = await job_of(interaction, parsed[1])
    if not await take(interaction, job):
        return
    change, words = (filled.texts.get(name, "").strip() for name in (_CHANGE, _PROMPT))
    there = where.said_in(filled, interaction.data or {})
    if there:
        change = change or words or job.request.prompt
    if change:
        which = "".join(filled.choices.get(_WHICH, ())[:1])
        await edit_picture(interaction, job, change, int(which) if which else None, there)
    else:
        await _reword(interaction, job, words)


async def edit_picture(
    interaction: discord.Interaction[Flux2Bot], job: Job, change: str, which: int | None, there: Where
) -> None:
    """Admit an edit of the job's picture `which`, or of the one that `change` names. Raises Refusal, InvalidRequest."""
    services = interaction.client.services
    model = await model_of(interaction, job)
    picked = pick(change, len(job.pictures), first=which)
    pictures = tuple([await picture_meant(interaction, job, number) for number in picked.numbers])
    mask = await services.attachments.read_mask(there.mask) if there.mask else None
    scene = await services.casting.cast(applicant_in(interaction), picked.instruction, pictures)
    request, notes = recipes.edited(job, model, scene.prompt, scene.pictures, region=there.cells, mask=mask)
    await services.attachments.require_marked(request)
    asked = "" if scene.prompt == change else change
    await redraw(interaction, job, request, source="edit", notes=(*picked.notes, *scene.notes, *notes), asked=asked)


async def _reword(interaction: discord.Interaction[Flux2Bot], job: Job, prompt: str) -> None:
    services, request = interaction.client.services, job.request
    model = await services.offer.choose(request.model)
    notes: tuple[str, ...] = ()
    asked = ""
    if isinstance(request, GenerationRequest):
        scene = await services.casting.cast(applicant_in(interaction), prompt, request.reference_images)
        request = request.model_copy(update={"reference_images": scene.pictures})
        asked, prompt, notes = "" if scene.prompt == prompt else prompt, scene.prompt, scene.notes
    await redraw(interaction, job, recipes.reworded(request, model, prompt), source="edit", notes=notes, asked=asked)
