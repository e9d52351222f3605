"""Remix: a form with what decides a picture; what is changed there changes, what is left stays, the seed too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.applicants import applicant_in
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, custom_id, parse, template
from bot.interactions.forms import Filled
from bot.interactions.redraw import model_of, redraw, require_posting, take
from bot.language import N_, _
from bot.ledger.job import Job
from bot.options import Options
from bot.refusal import Refusal
from flux2.models import Model
from flux2.request import GenerationRequest
from flux2.sizing import own

if TYPE_CHECKING:
    from bot.client import Flux2Bot

FORM = custom_id(Verb.REMIX, "")
_PROMPT, _SIZE, _SEED, _STEPS, _GUIDANCE, _MODEL = "prompt", "size", "seed", "steps", "guidance", "model"
_MAX_FIELDS, _MAX_OPTIONS, _MAX_OPTION = 5, 25, 100
"""Of a form, of a select, and characters of an option: Discord's own caps."""
_MAX_FIELD = 4000
"""Characters of a text field; Discord's own cap, below that of a prompt."""
_FORGET_S = 900


class RemixButton(JobButton, template=template(Verb.REMIX)):
    """Stands behind More…"""

    verb = Verb.REMIX
    text = N_("Remix")
    style = discord.ButtonStyle.primary

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Open the form: it must be the first answer, so nothing is deferred here."""
        job = await job_of(interaction, self.job_id)
        require_posting(interaction, job)
        request = _drawn(job)
        offer = interaction.client.services.offer
        live = offer.seen or await offer.look()
        model = offer.pick(request.model if request.model in live else None)
        await interaction.response.send_modal(remix_modal(self.job_id, request, model, sorted(offer.seen)))


def _drawn(job: Job) -> GenerationRequest:
    if not isinstance(job.request, GenerationRequest):
        raise Refusal(_("Remix is for pictures drawn from words; to enlarge one with other options, use /upscale."))
    return job.request


def remix_modal(job_id: str, request: GenerationRequest, model: Model, offered: Sequence[str] = ()) -> ui.Modal:
    """The form, filled with `request`; what `model` does not take is not asked, and another of the models that are
    `offered` where there is room for it.
    """
    modal = ui.Modal(title=_("Remix"), custom_id=custom_id(Verb.REMIX, job_id), timeout=_FORGET_S)
    fits = len(request.prompt) <= _MAX_FIELD
    hint = _("Empty keeps the words as they are.")
    _ask(modal, _PROMPT, _("Prompt"), request.prompt if fits else "", hint, long=True)
    hint = _("Width x height, or megapixels: 0.5, 1, 2 or 4.")
    _ask(modal, _SIZE, _("Size"), f"{request.width}x{request.height}", hint)
    _ask(modal, _SEED, _("Seed"), str(request.seed), _("Empty it for a new one."))
    if not model.has_fixed_steps:
        bounds = _("{least:g} to {most:g}.").format(least=model.min_steps, most=model.max_steps)
        _ask(modal, _STEPS, _("Steps"), str(request.num_inference_steps), bounds)
    if request.guidance_scale is not None:
        bounds = _("{least:g} to {most:g}.").format(least=model.min_guidance, most=model.max_guidance)
        _ask(modal, _GUIDANCE, _("Guidance"), f"{request.guidance_scale:g}", bounds)
    if len(offered) > 1 and len(modal.children) < _MAX_FIELDS:
        options = [
            discord.SelectOption(label=name[:_MAX_OPTION], value=name[:_MAX_OPTION], default=name == model.name)
            for name in offered[:_MAX_OPTIONS]
        ]
        select: ui.Select[ui.Modal] = ui.Select(custom_id=_MODEL, options=options, required=False)
        modal.add_item(ui.Label(text=_("Model"), component=select))
    return modal


def _ask(modal: ui.Modal, name: str, label: str, value: str, hint: str, *, long: bool = False) -> None:
    style = discord.TextStyle.paragraph if long else discord.TextStyle.short
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=name, style=style, default=value or None, required=False, max_length=_MAX_FIELD if long else 20
    )
    modal.add_item(ui.Label(text=label, description=hint, component=field))


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Take a submitted form."""
    parsed = parse(filled.custom_id)
    if parsed is None or interaction.message is None:
        raise Refusal(_("This form is too old; press the button again."))
    job = await job_of(interaction, parsed[1])
    before = _drawn(job)
    remixed(before, filled, before.model)  # what is no number is refused before anything is answered
    if not await take(interaction, job):
        return
    model = await _model(interaction, job, "".join(filled.choices.get(_MODEL, ())[:1]))
    options = remixed(before, filled, model.name)
    casting = interaction.client.services.casting
    scene = await casting.cast(applicant_in(interaction), options.prompt, before.reference_images)
    request, notes = options.reworded(scene.prompt).settle(model, scene.pictures)
    kept: dict[str, object] = {"init_image": before.init_image, "strength": before.strength}
    if options.size is None and not request.is_masked:
        width, height = own(model, before.width, before.height)
        kept |= {"width": width, "height": height}
    if options.prompt == before.prompt:
        # A list's pictures have the words of a style around them, which the prompt itself does not tell.
        kept |= {"variants": before.variants}
    request = request.model_copy(update=kept)
    asked = "" if scene.prompt == options.prompt else options.prompt
    await redraw(interaction, job, request, source="remix", notes=(*scene.notes, *notes), asked=asked)


async def _model(interaction: discord.Interaction[Flux2Bot], job: Job, chosen: str) -> Model:
    """The chosen model, else that of the picture while it is served, else the usual one. Raises Refusal."""
    if not chosen:
        return await model_of(interaction, job)
    services = interaction.client.services
    return await services.gate.offered(applicant_in(interaction), await services.offer.choose(chosen))


def remixed(request: GenerationRequest, filled: Filled, model: str) -> Options:
    """What the form asks of `model`, over `request`; a size that was left as it was is None. Raises Refusal."""
    size = filled.texts.get(_SIZE, "").strip()
    steps = _whole(filled, _STEPS, request.num_inference_steps)
    guidance = _number(filled, _GUIDANCE, request.guidance_scale)
    if model != request.model:
        # What was left as it was is for the other model to say.
        steps = None if steps == request.num_inference_steps else steps
        guidance = None if guidance == request.guidance_scale else guidance
    return Options(
        prompt=filled.texts.get(_PROMPT, "").strip() or request.prompt,
        region=request.region,
        mask_image=request.mask_image,
        size=None if size in {"", f"{request.width}x{request.height}"} else size,
        seed=_whole(filled, _SEED, None),
        model=model,
        steps=steps,
        guidance=guidance,
        count=None if request.variants else request.count,
        output_format=request.output_format,
        output_quality=request.output_quality,
    )


def _whole(filled: Filled, name: str, default: int | None) -> int | None:
    text = filled.texts.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal():
        raise Refusal(_("{name} takes a whole number; press Remix again.").format(name=_(name.capitalize())))
    return int(text)


def _number(filled: Filled, name: str, default: float | None) -> float | None:
    text = filled.texts.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError as wrong:
        raise Refusal(_("{name} takes a number; press Remix again.").format(name=_(name.capitalize()))) from wrong
