"""Edit, from a message's menu: a form with what should change, which of the pictures is meant, and further ones.

A menu shows other people's messages this once, so their pictures' addresses are kept until the form is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord
from discord import ui

from bot.gathering import Pointed
from bot.interactions import where
from bot.interactions.forms import Filled
from bot.language import N_, _
from bot.options import Options
from bot.origin import job_told_by
from bot.presenter import shorten
from bot.refusal import Refusal
from bot.remote import Remote, uploads_in
from flux2.request import MAX_REFERENCES
from flux2.sizing import MATCH

if TYPE_CHECKING:
    from bot.client import Flux2Bot

FORM = "flux2:v1:edit-shown:"
_ID = re.compile(rf"{FORM}(\d{{15,20}}):(\d{{15,20}})")
_PROMPT, _WHICH, _IMAGES = "prompt", "which", "images"
_MAX_FIELD, _MAX_OPTIONS, _MAX_LABEL = 4000, 25, 100
_FORGET_S = 900
_OLD = N_("This form is too old; use the message's menu again.")


async def open_form(
    interaction: discord.Interaction[Flux2Bot], message: discord.Message, pictures: list[Remote]
) -> None:
    """Keep the pictures and show the form, as the first answer. `pictures` is not empty."""
    kept = [picture.model_dump() for picture in pictures[:_MAX_OPTIONS]]
    await interaction.client.services.ledger.shown.keep(interaction.id, interaction.user.id, kept)
    told = await job_told_by(message, interaction.client)
    # What was posted again comes from the message that is on record.
    origin = (told.result_message_id if told else None) or message.id
    await interaction.response.send_modal(_modal(interaction.id, origin, pictures[:_MAX_OPTIONS]))


def _modal(interaction_id: int, message_id: int, pictures: list[Remote]) -> ui.Modal:
    modal = ui.Modal(title=_("Edit"), custom_id=f"{FORM}{interaction_id}:{message_id}", timeout=_FORGET_S)
    words: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=_PROMPT,
        style=discord.TextStyle.paragraph,
        max_length=_MAX_FIELD,
        placeholder=_("make it night, with snow on the roofs"),
    )
    modal.add_item(ui.Label(text=_("What should change"), description=_("The rest stays as it is."), component=words))
    if len(pictures) > 1:
        options = [
            discord.SelectOption(
                label=shorten(f"{number} · {one.filename}", _MAX_LABEL), value=str(number), default=number == 1
            )
            for number, one in enumerate(pictures, start=1)
        ]
        which: ui.Select[ui.Modal] = ui.Select(custom_id=_WHICH, options=options)
        modal.add_item(ui.Label(text=_("Which picture"), component=which))
    uploads: ui.FileUpload[ui.Modal] = ui.FileUpload(
        custom_id=_IMAGES, required=False, min_values=0, max_values=MAX_REFERENCES - 1
    )
    told = _("To take something from: “image 2”, “image 3” … above; the picture itself is image 1.")
    modal.add_item(ui.Label(text=_("Further pictures"), description=told, component=uploads))
    where.ask(modal)
    return modal


async def submit(interaction: discord.Interaction[Flux2Bot], filled: Filled) -> None:
    """Edit as the form says. Raises Refusal and InvalidRequest."""
    # Loaded with the commands, after this module.
    from bot.commands.imagine import draw

    named = _ID.fullmatch(filled.custom_id)
    if named is None:
        raise Refusal(_(_OLD))
    ledger = interaction.client.services.ledger
    kept = await ledger.shown.of(int(named[1]), interaction.user.id)
    number = int("".join(filled.choices.get(_WHICH, ())[:1]) or 1)
    if not kept or not 1 <= number <= len(kept):
        raise Refusal(_(_OLD))
    uploads = uploads_in(interaction.data or {}, filled.choices.get(_IMAGES, ()))
    there = where.said_in(filled, interaction.data or {})
    pointed = Pointed([Remote.model_validate(kept[number - 1]), *uploads], mask=there.mask)
    parent = await ledger.by_result_message(int(named[2]))
    options = Options(prompt=filled.texts.get(_PROMPT, ""), region=there.cells, aspect=MATCH)
    await draw(
        interaction,
        options,
        pointed,
        source="edit",
        parent_id=parent.id if parent else None,
        private=True if parent is not None and parent.is_private else None,
    )
