"""The scene form: a picture described part by part, which becomes a JSON prompt. Opened by /scene.

The options it was opened with travel in its custom_id, so it can be sent after a restart. Declines to know how the
inputs are read: that is flux2/prompting/builder.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import discord
from discord import ui

from bot.gathering import Pointed
from bot.interactions.forms import Filled
from bot.language import _
from bot.options import Options
from bot.refusal import Refusal
from flux2.prompting import builder
from flux2.prompting.builder import Parts

if TYPE_CHECKING:
    from bot.client import Flux2Bot

FORM = "flux2:v1:scene?"
_MAX_ID = 100
_MAX_FIELD = 4000
_FORGET_S = 900
_SCENE, _SUBJECTS, _LOOK, _COLOURS, _CHOICES = "scene", "subjects", "look", "colours", "choices"
_EMPTY_LOOK = "\n".join(f"{name}: " for name in builder.LOOK)
_TEXTS, _NUMBERS = ("aspect", "size", "model"), ("seed", "count")
"""Options that travel in the id, by name."""
_PRIVATE = "private"


def scene_modal(options: Options, parts: Parts | None = None, *, private: bool = False) -> ui.Modal:
    """The form for `options`, filled with `parts`. Raises Refusal where the options do not fit into its id."""
    given = {name: value for name in (*_TEXTS, *_NUMBERS) if (value := getattr(options, name)) is not None}
    custom_id = FORM + urlencode(given | {_PRIVATE: int(private)})
    if len(custom_id) > _MAX_ID:
        raise Refusal(_("The model's name is too long for this form; use /imagine with a JSON prompt."))
    parts = parts or Parts()
    modal = ui.Modal(title=_("Describe a scene"), custom_id=custom_id, timeout=_FORGET_S)
    _ask(modal, _SCENE, _("Scene"), _("What is this, and where?"), parts.scene, long=True)
    hint = _("One a line: fox: red fur; running; foreground; colors: rust, cream")
    _ask(modal, _SUBJECTS, _("Subjects"), hint, parts.subjects, long=True)
    hint = _("A line each; leave out what you do not care about.")
    _ask(modal, _LOOK, _("Look"), hint, parts.look or _EMPTY_LOOK, long=True)
    _ask(modal, _COLOURS, _("Colours"), _("Names or hex codes, separated by commas."), parts.colours)
    menu: ui.Select[ui.Modal] = ui.Select(
        custom_id=_CHOICES,
        placeholder=_("At most one of each kind, but any effects"),
        min_values=0,
        max_values=len(list(builder.options())),
        required=False,
        options=[
            discord.SelectOption(label=label, value=value, description=said or None, default=value in parts.choices)
            for value, label, said in builder.options()
        ],
    )
    modal.add_item(ui.Label(text=_("Composition, camera and effects"), component=menu))
    return modal


def _ask(modal: ui.Modal, name: str, label: str, hint: str, value: str, *, long: bool = False) -> None:
    style = discord.TextStyle.paragraph if long else discord.TextStyle.short
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=name, style=style, default=value[:_MAX_FIELD] or None, required=False, max_length=_MAX_FIELD
    )
    modal.add_item(ui.Label(text=label, description=hint, component=field))


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Draw the scene of a sent form. Raises Refusal and InvalidRequest."""
    # Loaded with the commands, after this module.
    from bot.commands.imagine import draw

    said = _given(filled).get(_PRIVATE)
    await draw(interaction, options_in(filled), Pointed(), private=None if said is None else said == "1")


def options_in(filled: Filled) -> Options:
    """What a sent form asks for. Raises InvalidRequest."""
    texts = filled.texts
    described = builder.build(
        Parts(
            scene=texts.get(_SCENE, ""),
            subjects=texts.get(_SUBJECTS, ""),
            look=texts.get(_LOOK, ""),
            colours=texts.get(_COLOURS, ""),
            choices=filled.choices.get(_CHOICES, ()),
        )
    )
    given = _given(filled)
    numbers = {name: int(given[name]) for name in _NUMBERS if given.get(name, "").isdecimal()}
    return Options(
        prompt=described.text(),
        aspect=given.get("aspect"),
        size=given.get("size"),
        model=given.get("model"),
        seed=numbers.get("seed"),
        count=numbers.get("count"),
    )


def _given(filled: Filled) -> dict[str, str]:
    return dict(parse_qsl(filled.custom_id.removeprefix(FORM)))
