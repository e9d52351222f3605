"""Questions and long lists shown to one member alone: a button leads back to what the process still remembers.

They are ephemeral and live for minutes, so they are kept in memory; after a restart their buttons say so.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from bot import answers
from bot.interactions.base import guarded
from bot.language import _
from bot.presenter import MAX_CONTENT
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_KEPT = 1000
_PAGE = MAX_CONTENT - 100
"""Characters of a page; the rest is for its title and number."""
_LINES = 15
"""Lines of a page: more are not read, but scrolled over."""
_TEMPLATE = r"flux2:v1:talk:(?P<token>[0-9a-f]{16}):(?P<choice>[a-z]{1,10})"

Turn = Callable[["discord.Interaction[Flux2Bot]", str], Awaitable[None]]
"""What a choice does; the press is acknowledged already."""


def is_one(custom_id: str) -> bool:
    """Whether a button belongs to a dialogue, remembered or not."""
    return re.fullmatch(_TEMPLATE, custom_id) is not None


class Dialogues:
    """The dialogues of this process, the oldest forgotten first."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, Turn] = OrderedDict()

    def open(self, turn: Turn) -> str:
        """Remember what its buttons do; return its token."""
        token = secrets.token_hex(8)
        self._turns[token] = turn
        while len(self._turns) > _KEPT:
            self._turns.popitem(last=False)
        return token

    def take(self, token: str) -> Turn:
        """Return what the buttons do. Raises Refusal where nobody remembers."""
        try:
            return self._turns[token]
        except KeyError:
            raise Refusal(_("This is too old for me; use the command again.")) from None

    def close(self, token: str) -> None:
        """Forget it: a question is answered once."""
        self._turns.pop(token, None)


class DialogueButton(ui.DynamicItem[ui.Button[ui.View]], template=_TEMPLATE):
    """One choice of a dialogue."""

    def __init__(
        self,
        token: str,
        choice: str,
        label: str = "…",
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        *,
        is_disabled: bool = False,
    ) -> None:
        custom_id = f"flux2:v1:talk:{token}:{choice}"
        super().__init__(ui.Button(label=label, style=style, custom_id=custom_id, disabled=is_disabled))
        self.token = token
        self.choice = choice

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from a press."""
        return cls(match["token"], match["choice"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what was chosen; errors are answered."""
        await guarded(interaction, self._act)

    async def _act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        turn = interaction.client.dialogues.take(self.token)
        if await answers.acknowledge(interaction):
            await turn(interaction, self.choice)


async def ask(
    interaction: discord.Interaction[Flux2Bot],
    question: str,
    label: str,
    act: Callable[[], Awaitable[str]],
    *,
    otherwise: str | None = None,
) -> None:
    """Ask once before something that cannot be undone; `label` names it on its button, `act` returns what it did.

    `otherwise` is said where it is left, in the place of that nothing was changed.
    """
    dialogues = interaction.client.dialogues

    async def turn(pressed: discord.Interaction[Flux2Bot], choice: str) -> None:
        dialogues.close(token)
        try:
            text = await act() if choice == "yes" else otherwise or _("Nothing was changed.")
        except Refusal as refusal:
            text = str(refusal)  # in the place of the question, whose buttons are used up
        await pressed.edit_original_response(content=text, view=None)

    token = dialogues.open(turn)
    view = ui.View(timeout=None)
    view.add_item(DialogueButton(token, "yes", label, discord.ButtonStyle.danger))
    view.add_item(DialogueButton(token, "no", _("Leave it")))
    await interaction.edit_original_response(content=question, view=view)


def paged(lines: Sequence[str]) -> list[str]:
    """Lines in pages that fit into a message; a line is never cut between two."""
    pages: list[list[str]] = []
    for line in lines:
        page = pages[-1] if pages else []
        if page and len(page) < _LINES and sum(map(len, page)) + len(page) + len(line) <= _PAGE:
            page.append(line)
        else:
            pages.append([line[:_PAGE]])
    return ["\n".join(page) for page in pages]


async def show_pages(interaction: discord.Interaction[Flux2Bot], title: str, lines: Sequence[str], empty: str) -> None:
    """Show a list, with buttons to turn its pages where it has several."""
    pages, head = paged(lines), [f"**{title}**"] if title else []
    if len(pages) < 2:
        await interaction.edit_original_response(content="\n".join((*head, *pages)) if pages else empty)
        return
    at = 0

    async def turn(pressed: discord.Interaction[Flux2Bot], choice: str) -> None:
        nonlocal at
        at = min(max(at + (1 if choice == "next" else -1), 0), len(pages) - 1)
        await pressed.edit_original_response(content=text(), view=view())

    token = interaction.client.dialogues.open(turn)

    def text() -> str:
        number = _("page {page} of {pages}").format(page=at + 1, pages=len(pages))
        return " · ".join((*head, number)) + f"\n{pages[at]}"

    def view() -> ui.View:
        buttons = ui.View(timeout=None)
        buttons.add_item(DialogueButton(token, "previous", _("Previous"), is_disabled=at == 0))
        buttons.add_item(DialogueButton(token, "next", _("Next"), is_disabled=at == len(pages) - 1))
        return buttons

    await interaction.edit_original_response(content=text(), view=view())
