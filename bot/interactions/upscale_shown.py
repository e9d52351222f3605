"""Which picture of anybody's message is to be enlarged, asked where its menu was opened on several.

A menu shows other people's messages this once, so their pictures' addresses are kept until one is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from bot import answers
from bot.enlarging import Enlargement
from bot.interactions.base import guarded
from bot.language import _
from bot.presenter import shorten
from bot.refusal import Refusal
from bot.remote import Remote

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_PREFIX = "flux2:v1:upscale-shown"
_TEMPLATE = rf"{_PREFIX}:(?P<opened>\d{{15,20}})"
_MAX_OPTIONS, _MAX_LABEL = 25, 100


def is_one(custom_id: str) -> bool:
    """Whether a component asks for such a picture."""
    return re.fullmatch(_TEMPLATE, custom_id) is not None


async def ask_which(interaction: discord.Interaction[Flux2Bot], pictures: Sequence[Remote]) -> None:
    """Keep the pictures and ask, as the first answer, which of them is to be enlarged."""
    pictures = pictures[:_MAX_OPTIONS]
    kept = [picture.model_dump() for picture in pictures]
    await interaction.client.services.ledger.shown.keep(interaction.id, interaction.user.id, kept)
    view = ui.View(timeout=None)
    view.add_item(ShownSelect(interaction.id, [one.filename for one in pictures]))
    asked = _("Which of them shall be twice as large?")
    await interaction.response.send_message(asked, view=view, ephemeral=True)


class ShownSelect(ui.DynamicItem[ui.Select[ui.View]], template=_TEMPLATE):
    """The pictures of a message, by their files' names."""

    def __init__(self, opened: int, names: Sequence[str] = ()) -> None:
        """`opened`: the interaction that the pictures are kept by."""
        options = [
            discord.SelectOption(label=shorten(f"{number} · {name}", _MAX_LABEL), value=str(number))
            for number, name in enumerate(names, start=1)
        ]
        placeholder = _("Which picture…")
        super().__init__(ui.Select(custom_id=f"{_PREFIX}:{opened}", placeholder=placeholder, options=options))
        self._opened = opened

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the select from a choice."""
        return cls(int(match["opened"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Enlarge the picture that was chosen."""
        await guarded(interaction, self._enlarge)

    async def _enlarge(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        # Loaded with the commands, after this module.
        from bot.commands.upscale import enlarge

        data: Mapping[str, Any] = interaction.data or {}
        kept = await interaction.client.services.ledger.shown.of(self._opened, interaction.user.id) or []
        number = int(data["values"][0])
        if not 1 <= number <= len(kept):
            raise Refusal(_("This question is an hour old; use the message's menu again."))
        # The question stands on a message that its asker alone sees; the picture is for everybody.
        answers.answer_anew(interaction)
        await enlarge(interaction, Enlargement(), Remote.model_validate(kept[number - 1]))
