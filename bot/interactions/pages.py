"""The pages of /history, turned in place by two buttons; for its asker alone.

What was looked for is kept for an hour beside the ids of the buttons, which are too short to hold it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui
from pydantic import TypeAdapter

from bot import titles
from bot.interactions.base import guarded
from bot.language import _, ngettext
from bot.ledger.history import PAGE, Search
from bot.ledger.job import Job
from bot.presenter import MAX_CONTENT, result_url, shorten
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_PREFIX = "flux2:v1:page"
_TEMPLATE = rf"{_PREFIX}:(?P<asked>\d{{15,20}}):(?P<page>\d{{1,6}})"
_ID = re.compile(_TEMPLATE)
_PROMPT = 60
_SEARCH = TypeAdapter(Search)


def is_one(custom_id: str) -> bool:
    """Whether a component turns pages."""
    return _ID.fullmatch(custom_id) is not None


async def answer(interaction: discord.Interaction[Flux2Bot], wanted: Search, page: int) -> None:
    """Show a page in the place of the acknowledged answer, with buttons where there are several."""
    ledger = interaction.client.services.ledger
    found, total = await ledger.search(wanted, page)
    if not total:
        await interaction.edit_original_response(content=nothing(wanted))
        return
    if total > PAGE:
        await ledger.shown.keep(interaction.id, wanted.user_id, [_SEARCH.dump_python(wanted, mode="json")])
    await _show(interaction, interaction.id, found, total, page)


def nothing(wanted: Search) -> str:
    """What to say where a search finds nothing."""
    if wanted == Search(user_id=wanted.user_id, guild_id=wanted.guild_id):
        return _("You have drawn nothing here yet; begin with /imagine.")
    return _("Nothing of yours here fits that; leave some options out, or draw with /imagine.")


async def _turn(interaction: discord.Interaction[Flux2Bot], asked: int, page: int) -> None:
    await interaction.response.defer()
    ledger = interaction.client.services.ledger
    kept = await ledger.shown.of(asked, interaction.user.id)
    if not kept:
        raise Refusal(_("This list is an hour old; ask for it again with /history."))
    found, total = await ledger.search(_SEARCH.validate_python(kept[0]), page)
    await _show(interaction, asked, found, total, page)


async def _show(interaction: discord.Interaction[Any], asked: int, found: list[Job], total: int, page: int) -> None:
    text = shorten(_listed(found, total, page), MAX_CONTENT)
    await interaction.edit_original_response(content=text, view=_view(asked, page, -(-total // PAGE)))


def _view(asked: int, page: int, pages: int) -> ui.View | None:
    if pages < 2:
        return None
    view = ui.View(timeout=None)
    # A page behind the last one leads back to it.
    view.add_item(PageButton(asked, min(page - 1, pages), _("◀ Newer"), is_end=page <= 1))
    view.add_item(PageButton(asked, page + 1, _("Older ▶"), is_end=page >= pages))
    return view


def _listed(found: list[Job], total: int, page: int) -> str:
    pages = -(-total // PAGE)
    if not found:
        few = ngettext(
            "There is only {pages} page; choose an earlier one.",
            "There are only {pages} pages; choose an earlier one.",
            pages,
        )
        return few.format(pages=pages)
    first = PAGE * (page - 1) + 1
    lines = [_line(number, job) for number, job in enumerate(found, start=first)]
    counted = [ngettext("{total} picture", "{total} pictures", total).format(total=total)]
    if pages > 1:
        counted.append(_("page {page} of {pages}").format(page=page, pages=pages))
    counted.append(_("/history id:… posts one again"))
    return "\n".join([*lines, "-# " + " · ".join(counted)])


def _line(number: int, job: Job) -> str:
    when = f"<t:{int(job.created_at.timestamp())}:d>"
    link = result_url(job)
    see = _("[see it]({link})").format(link=link) if link else None
    parts = [titles.of(job, _PROMPT), when, see, f"`{job.id}`"]
    return f"{number}. " + " · ".join(part for part in parts if part)


class PageButton(ui.DynamicItem[ui.Button[ui.View]], template=_TEMPLATE):
    """Turns to one page."""

    def __init__(self, asked: int, page: int, text: str = "", *, is_end: bool = False) -> None:
        """`asked`: the interaction that asked for the list."""
        super().__init__(ui.Button(label=text, custom_id=f"{_PREFIX}:{asked}:{page}", disabled=is_end))
        self._asked, self._page = asked, page

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Rebuild the button from a press."""
        return cls(int(match["asked"]), int(match["page"]), "…")

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Show the page in the place of the one before."""
        await guarded(interaction, _turn, self._asked, self._page)
