"""Edit a part: the picture under its grid, cells chosen by eye, then a form that asks what should change there."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui
from PIL import Image

from bot import answers
from bot.interactions import where
from bot.interactions.base import JobButton, guarded
from bot.interactions.choosing import PictureSelect, drawn, picture_meant
from bot.interactions.custom_id import Verb, custom_id, parse_picture, template
from bot.interactions.edit import MAX_FIELD, edit_picture
from bot.interactions.forms import Filled
from bot.interactions.redraw import require_posting, take
from bot.language import N_, _
from bot.ledger.job import Job
from bot.presenter import shorten
from bot.refusal import Refusal
from flux2 import images
from flux2.grid import gridded
from flux2.request import ReferenceImage
from worker.blobs import Blobs

if TYPE_CHECKING:
    from bot.client import Flux2Bot

FORM = custom_id(Verb.PART_FORM, "")
"""How the ids of the form begin."""
GRID = "grid.webp"
_CHANGE = "change"
_TITLE = N_("Edit a part")
_LABEL = 100
_QUALITY = 85
_FORGET_S = 900


class PartButton(JobButton, template=template(Verb.PART)):
    """Stands behind More…"""

    verb = Verb.PART
    text = _TITLE

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Show the grid to whoever pressed."""
        job, labels = await drawn(interaction, self.job_id)
        require_posting(interaction, job)
        if not await answers.acknowledge(interaction):
            return
        text, file, view = await _question(interaction, job, labels, self.number)
        await interaction.followup.send(text, file=file, view=view, ephemeral=True)


class PartSelect(PictureSelect, template=template(Verb.PART_WHICH)):
    """Chooses the picture that is shown under the grid."""

    verb = Verb.PART_WHICH

    async def act(self, interaction: discord.Interaction[Flux2Bot], number: int) -> None:
        """Show that one."""
        job, labels = await drawn(interaction, self.job_id)
        if not await answers.acknowledge(interaction):
            return
        text, file, view = await _question(interaction, job, labels, number)
        await interaction.edit_original_response(content=text, attachments=[file], view=view)


async def _question(
    interaction: discord.Interaction[Flux2Bot], job: Job, labels: tuple[str, ...], number: int
) -> tuple[str, discord.File, ui.View]:
    picture = await picture_meant(interaction, job, number)
    services = interaction.client.services
    async with services.attachments.decoding:
        data = await asyncio.to_thread(_grid, picture, services.blobs)
    told = _("The picture under a grid of three by three cells, A1 at the top left, C3 at the bottom right.")
    view = ui.View(timeout=None)
    if len(labels) > 1:
        view.add_item(PartSelect(job.id, labels, number))
    view.add_item(CellsSelect(job.id, number))
    text = _("Which cells are to change? All others keep every pixel.")
    return text, discord.File(io.BytesIO(data), GRID, description=told), view


def _grid(picture: ReferenceImage, blobs: Blobs) -> bytes:
    with Image.open(io.BytesIO(blobs.get(picture.sha256))) as image:
        return images.encode(gridded(image), "webp", _QUALITY)


class CellsSelect(ui.DynamicItem[ui.Select[ui.View]], template=template(Verb.PART_CELLS)):
    """The cells of one picture; choosing some opens the form."""

    def __init__(self, job_id: str, number: int) -> None:
        """`number`: of the picture, from 1."""
        options = where.cell_options()
        named = custom_id(Verb.PART_CELLS, job_id, number)
        super().__init__(
            ui.Select(custom_id=named, placeholder=_("Which cells…"), options=options, max_values=len(options))
        )
        self.job_id, self.number = job_id, number

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the select from a choice."""
        return cls(match["job_id"], int(match["number"] or 1))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form: it must be the first answer."""
        await guarded(interaction, self._ask)

    async def _ask(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        data: Mapping[str, Any] = interaction.data or {}
        cells = tuple(str(value) for value in data.get("values", ()))
        job, _labels = await drawn(interaction, self.job_id)
        require_posting(interaction, job)
        await interaction.response.send_modal(_form(job, self.number, cells))


def _form(job: Job, number: int, cells: tuple[str, ...]) -> ui.Modal:
    modal = ui.Modal(title=_(_TITLE), custom_id=custom_id(Verb.PART_FORM, job.id, number), timeout=_FORGET_S)
    change: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=_CHANGE,
        style=discord.TextStyle.paragraph,
        max_length=MAX_FIELD,
        placeholder=shorten(job.request.prompt, _LABEL) or None,
    )
    told = _("In a few words, such as “make it blue” or “a hat”.")
    modal.add_item(ui.Label(text=_("What should change there"), description=told, component=change))
    where.ask(modal, cells)
    return modal


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Take a sent form."""
    parsed = parse_picture(filled.custom_id)
    if parsed is None or interaction.message is None:
        raise Refusal(_("This form is too old; press the button again."))
    job_id, number = parsed
    job, _labels = await drawn(interaction, job_id)
    there = where.said_in(filled, interaction.data or {})
    if not there:
        raise Refusal(_("Choose cells or attach a mask; to change all of the picture, press Edit."))
    if await take(interaction, job):
        await edit_picture(interaction, job, filled.texts.get(_CHANGE, "").strip(), number, there)
