"""Which form a submit belongs to, and what was filled in. A submit is read from the interaction alone, never from a
modal object: those die with the process and answer once.

A new form adds its custom_id's beginning and its handler to `_forms`. Declines to know what any form asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from bot.interactions.base import guarded
from bot.language import _
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@dataclass(frozen=True)
class Filled:
    """What a member filled in, by the inputs' custom ids."""

    custom_id: str
    """The form's own id, which carries what the form was opened for."""
    texts: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values chosen in selects and groups; attachment ids of uploads."""


Submit = Callable[["discord.Interaction[Flux2Bot]", Filled], Awaitable[None]]


def _forms() -> dict[str, Submit]:
    # Imported when asked: a form's module reads its answers with this one.
    from bot.interactions import edit, edit_shown, part, remix, scene, studio, words

    return {
        edit.FORM: edit.submit,
        part.FORM: part.submit,
        remix.FORM: remix.submit,
        scene.FORM: scene.submit,
        studio.FORM: studio.submit,
        edit_shown.FORM: edit_shown.submit,
        words.FORM: words.submit,
    }


async def on_submit(interaction: discord.Interaction[Flux2Bot]) -> None:
    """Hand a submit to its form, and answer for its errors."""
    await guarded(interaction, _take)


async def _take(interaction: discord.Interaction[Flux2Bot]) -> None:
    filled = read(interaction.data or {})
    for beginning, submit in _forms().items():
        if filled.custom_id.startswith(beginning):
            await submit(interaction, filled)
            return
    raise Refusal(_("This form is too old; press the button or use the command again."))


def read(data: Mapping[str, Any]) -> Filled:
    """Read a submit's payload, through whatever rows and labels hold the inputs."""
    texts: dict[str, str] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for component in _inputs(data.get("components", ())):
        name = str(component["custom_id"])
        if "values" in component:
            choices[name] = tuple(str(value) for value in component["values"] or ())
        else:
            texts[name] = str(component.get("value") or "")
    return Filled(str(data.get("custom_id", "")), texts, choices)


def _inputs(components: Any) -> Iterator[Mapping[str, Any]]:
    for component in components:
        if "custom_id" in component:
            yield component
        yield from _inputs(component.get("components", ()))
        if "component" in component:
            yield from _inputs((component["component"],))
