"""The reference tray as a message for its owner alone: the numbered sheet, and what can be done with it.

Its ids name no member: only its owner sees it. What is chosen is named by content, so that a sheet that is no longer
the latest does what it shows.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from bot.applicants import applicant_in
from bot.interactions.base import guarded
from bot.interactions.studio import studio_modal
from bot.language import _
from bot.ledger.trays import Tray
from bot.presenter import MAX_CONTENT, shorten
from bot.tray_desk import alt_text, first, told, without

if TYPE_CHECKING:
    from bot.client import Flux2Bot

SHEET = "tray.webp"
_PREFIX = "flux2:v1:tray"
_FIRST, _OUT, _CLEAR, _DRAW = (f"{_PREFIX}:{deed}" for deed in ("first", "out", "clear", "draw"))
_LABEL = 100


def is_one(custom_id: str) -> bool:
    """Whether a component belongs to a tray."""
    return custom_id in {_FIRST, _OUT, _CLEAR, _DRAW}


async def answer(interaction: discord.Interaction[Flux2Bot], tray: Tray, notes: Sequence[str] = ()) -> None:
    """Show `tray` in the place of the acknowledged answer, or of the message whose component was used."""
    files = []
    if tray:
        data = await asyncio.to_thread(interaction.client.services.tray_desk.sheet, tray)
        files = [discord.File(io.BytesIO(data), SHEET, description=alt_text(tray))]
    text = shorten("\n".join([told(tray), *notes]), MAX_CONTENT)
    await interaction.edit_original_response(content=text, attachments=files, view=_view(tray) if tray else None)


def _view(tray: Tray) -> ui.View:
    view = ui.View(timeout=None)
    if len(tray) > 1:
        view.add_item(FirstSelect(_options(tray[1:], 2)))
    view.add_item(OutSelect(_options(tray, 1)))
    view.add_item(DrawButton())
    view.add_item(ClearButton())
    return view


def _options(tray: Tray, start: int) -> list[discord.SelectOption]:
    return [
        discord.SelectOption(label=shorten(f"{number} · {laid.label}", _LABEL), value=laid.picture.sha256)
        for number, laid in enumerate(tray, start=start)
    ]


def _chosen(interaction: discord.Interaction[Any]) -> list[str]:
    data: Mapping[str, Any] = interaction.data or {}
    return [str(value) for value in data.get("values", ())]


class FirstSelect(ui.DynamicItem[ui.Select[ui.View]], template=re.escape(_FIRST)):
    """Puts a picture in front of the others."""

    def __init__(self, options: list[discord.SelectOption]) -> None:
        super().__init__(ui.Select(custom_id=_FIRST, placeholder=_("Make it image 1…"), options=options))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the menu from a choice."""
        return cls([])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Reorder."""
        await guarded(interaction, _arrange, first(_chosen(interaction)[0]))


class OutSelect(ui.DynamicItem[ui.Select[ui.View]], template=re.escape(_OUT)):
    """Takes pictures out."""

    def __init__(self, options: list[discord.SelectOption]) -> None:
        super().__init__(
            ui.Select(custom_id=_OUT, placeholder=_("Take out…"), options=options, max_values=max(1, len(options)))
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the menu from a choice."""
        return cls([])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Remove what was chosen."""
        await guarded(interaction, _arrange, without(_chosen(interaction)))


class ClearButton(ui.DynamicItem[ui.Button[ui.View]], template=re.escape(_CLEAR)):
    """Empties the tray."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label=_("Clear"), style=discord.ButtonStyle.danger, custom_id=_CLEAR))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from a press."""
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Take everything out."""
        await guarded(interaction, _arrange, lambda _: ())


class DrawButton(ui.DynamicItem[ui.Button[ui.View]], template=re.escape(_DRAW)):
    """Opens the studio with the tray."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label=_("Draw…"), style=discord.ButtonStyle.primary, custom_id=_DRAW))

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from a press."""
        return cls()

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form: it must be the first answer."""
        await guarded(interaction, _open_studio)


async def _arrange(interaction: discord.Interaction[Flux2Bot], order: Any) -> None:
    await interaction.response.defer()
    desk = interaction.client.services.tray_desk
    await answer(interaction, await desk.arrange(interaction.user.id, order))


async def _open_studio(interaction: discord.Interaction[Flux2Bot]) -> None:
    services = interaction.client.services
    tray = await services.tray_desk.of(interaction.user.id)
    await interaction.response.send_modal(studio_modal(services, applicant_in(interaction), len(tray), uses_tray=True))


ITEMS = (FirstSelect, OutSelect, ClearButton, DrawButton)
