"""The studio: one form with the prompt, up to ten pictures, the tray, size and model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot import answers
from bot.gathering import Pointed
from bot.interactions.forms import Filled
from bot.language import N_, _, ngettext
from bot.options import Options
from bot.policy import Applicant
from bot.refusal import Refusal
from bot.remote import uploads_in
from bot.services import Services
from flux2.models import MEGAPIXEL, Model
from flux2.request import MAX_REFERENCES
from flux2.sizing import ASPECTS, MEGAPIXELS

if TYPE_CHECKING:
    from bot.client import Flux2Bot

FORM = "flux2:v1:studio"
_FORMS = {None: FORM, True: f"{FORM}:private", False: f"{FORM}:public"}
PROMPT, IMAGES, TRAY, SIZE, MODEL = "prompt", "images", "tray", "size", "model"
_MAX_FIELD = 4000
_FORGET_S = 900
_MAX_OPTIONS = 25
_AS_IT_COMES = "-"
_SHAPES = {"1:1": N_("Square"), "16:9": N_("Wide"), "9:16": N_("Tall")}


def studio_modal(
    services: Services, applicant: Applicant, tray: int, *, uses_tray: bool = False, private: bool | None = None
) -> ui.Modal:
    """The form for a member with `tray` pictures laid by; `private` None: as they prefer when it is sent.

    Raises Refusal where no model is offered.
    """
    offer = services.offer
    chosen = offer.pick(None, services.gate.default_model(applicant))
    modal = ui.Modal(title=_("Studio"), custom_id=_FORMS[private], timeout=_FORGET_S)
    words: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=PROMPT, style=discord.TextStyle.paragraph, max_length=_MAX_FIELD
    )
    modal.add_item(ui.Label(text=_("Prompt"), description=_("What the picture should show."), component=words))
    uploads: ui.FileUpload[ui.Modal] = ui.FileUpload(
        custom_id=IMAGES, required=False, min_values=0, max_values=MAX_REFERENCES
    )
    told = _("“image 1”, “image 2” … in the prompt; {model} looks at {most} at most.").format(
        model=chosen.name, most=chosen.max_references
    )
    modal.add_item(ui.Label(text=_("Pictures"), description=told[:100], component=uploads))
    if tray:
        box: ui.Checkbox[ui.Modal] = ui.Checkbox(custom_id=TRAY, default=uses_tray)
        held = ngettext(
            "If so, its picture follows the uploaded ones.",
            "If so, its {count} pictures follow the uploaded ones.",
            tray,
        ).format(count=tray)
        modal.add_item(ui.Label(text=_("With the reference tray"), description=held, component=box))
    modal.add_item(ui.Label(text=_("Size"), component=_select(SIZE, _sizes(chosen))))
    names = [chosen.name, *sorted(name for name in offer.seen if name != chosen.name)]
    modal.add_item(ui.Label(text=_("Model"), component=_select(MODEL, {name: name for name in names})))
    return modal


def _sizes(model: Model) -> dict[str, str]:
    """Labels by value; the first is chosen beforehand."""
    shapes = {aspect: f"{_(_SHAPES[aspect])} {aspect}" if aspect in _SHAPES else aspect for aspect in ASPECTS}
    fitting = [size for size in MEGAPIXELS if float(size) * MEGAPIXEL <= model.max_pixels]
    areas = {size: _("{size} megapixels, shape of the first picture").format(size=size) for size in fitting}
    areas |= {"1": _("1 megapixel, shape of the first picture")} if "1" in areas else {}
    wide = {
        f"{aspect} {size}": _("{shape}, {size} MP").format(shape=shapes[aspect], size=size)
        for size in fitting
        for aspect in _SHAPES
    }
    return {_AS_IT_COMES: _("As the first picture, or square"), **shapes, **areas, **wide}


def _select(custom_id: str, labels: dict[str, str]) -> ui.Select[Any]:
    options = [
        discord.SelectOption(label=label[:100], value=value[:100], default=index == 0)
        for index, (value, label) in enumerate(labels.items())
    ]
    return ui.Select(custom_id=custom_id, options=options[:_MAX_OPTIONS], required=False)


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Draw what a sent form asks for. Raises Refusal and InvalidRequest."""
    # Loaded with the commands, after this module.
    from bot.commands.imagine import draw

    images = uploads_in(interaction.data or {}, filled.choices.get(IMAGES, ()))
    options, uses_tray = options_in(filled)
    # Opened from a tray, the form stands on a message that only its owner sees; the picture is for everybody.
    answers.answer_anew(interaction)
    private = next((said for said, form in _FORMS.items() if form == filled.custom_id), None)
    await draw(interaction, options, Pointed(images, tray=uses_tray), source="studio", private=private)


def options_in(filled: Filled) -> tuple[Options, bool]:
    """What the form asks for, and whether with the tray. Raises Refusal."""
    size = "".join(filled.choices.get(SIZE, ())[:1])
    aspect, _space, pixels = size.partition(" ")
    if aspect in MEGAPIXELS:
        aspect, pixels = "", aspect
    if aspect in {"", _AS_IT_COMES}:
        aspect = ""
    elif aspect not in ASPECTS:
        raise Refusal(_("This form is too old; use /studio again."))
    options = Options(
        prompt=filled.texts.get(PROMPT, ""),
        aspect=aspect or None,
        size=pixels or None,
        model="".join(filled.choices.get(MODEL, ())[:1]) or None,
    )
    return options, filled.texts.get(TRAY) == str(True)
