"""Where a picture is to change: what forms ask for it, how it is typed, and what came of either.

Cells of the grid that flux2/region.py lays over a picture, a picture to paint the place white, or both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui
from discord.app_commands import Choice

from bot.interactions.forms import Filled
from bot.language import N_, _
from bot.remote import Attached, uploads_in
from flux2 import region
from flux2.errors import InvalidRequest

_CELLS, _MASK = "cells", "mask"
PLACES: dict[str, str] = {
    "A1": N_("top left"),
    "B1": N_("top"),
    "C1": N_("top right"),
    "A2": N_("left"),
    "B2": N_("middle"),
    "C2": N_("right"),
    "A3": N_("bottom left"),
    "B3": N_("bottom"),
    "C3": N_("bottom right"),
}
_SUGGESTED = PLACES | {
    "A1-C1": N_("the whole top"),
    "A2-C2": N_("the middle from left to right"),
    "A3-C3": N_("the whole bottom"),
    "A1-A3": N_("the whole left side"),
    "B1-B3": N_("the middle from top to bottom"),
    "C1-C3": N_("the whole right side"),
    "A1-C2": N_("all but the bottom"),
    "A2-C3": N_("all but the top"),
    "A1-B3": N_("all but the right side"),
    "B1-C3": N_("all but the left side"),
}
_MAX_CHOICES = 25
_MAX_CHOICE_NAME = 100


@dataclass(frozen=True)
class Where:
    """What was said of the place; nothing means everywhere."""

    cells: tuple[str, ...] = ()
    mask: Attached | None = None

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return bool(self.cells or self.mask)


def cell_options(chosen: Collection[str] = ()) -> list[discord.SelectOption]:
    """One option for each cell."""
    return [
        discord.SelectOption(label=f"{cell} · {_(place)}", value=cell, default=cell in chosen)
        for cell, place in PLACES.items()
    ]


def ask(modal: ui.Modal, chosen: Collection[str] = ()) -> None:
    """Add both questions to a form, with some cells chosen already."""
    options = cell_options(chosen)
    cells: ui.Select[ui.Modal] = ui.Select(
        custom_id=_CELLS,
        placeholder=_("Everywhere"),
        options=options,
        min_values=0,
        max_values=len(options),
        required=False,
    )
    told = _("Cells of a three by three grid over the picture; all others keep every pixel.")
    modal.add_item(ui.Label(text=_("Only there"), description=told, component=cells))
    upload: ui.FileUpload[ui.Modal] = ui.FileUpload(custom_id=_MASK, required=False, min_values=0, max_values=1)
    told = _("White on black; or a copy of the picture with the place circled or painted over.")
    modal.add_item(ui.Label(text=_("Or a mask painted over the picture"), description=told, component=upload))


def said_in(filled: Filled, data: Mapping[str, Any]) -> Where:
    """What a sent form says; `data` is its interaction's."""
    uploads = uploads_in(data, filled.choices.get(_MASK, ()))
    return Where(region.ordered(filled.choices.get(_CELLS, ())), uploads[0] if uploads else None)


def regions_like(typed: str) -> list[Choice[str]]:
    """Regions whose cells or place hold what is being typed after its last comma, behind those before it."""
    head, comma, tail = typed.rpartition(",")
    wanted = tail.strip().lower()
    found = [
        Choice(name=f"{head}{comma}{cells} · {_(place)}"[:_MAX_CHOICE_NAME], value=f"{head}{comma}{cells}")
        for cells, place in _SUGGESTED.items()
        if wanted in f"{cells} {_(place)}".lower()
    ]
    try:
        told = region.told(region.parse(typed))
    except InvalidRequest:
        return found[:_MAX_CHOICES]
    return [Choice(name=told, value=told), *(one for one in found if one.value != told)][:_MAX_CHOICES]
