"""Favourites in the ledger."""

from __future__ import annotations

from bot.ledger.ledger import Ledger

LUNA, MAX = 1, 2
FOX, CAT = "f" * 16, "c" * 16


async def test_a_favourite_is_set_and_taken_back_by_its_admirer(ledger: Ledger) -> None:
    """The latest comes first; each member has their own; a second toggle takes the first back."""
    marks = ledger.favourites
    assert await marks.toggle(LUNA, FOX)
    assert await marks.toggle(LUNA, CAT)
    assert await marks.toggle(MAX, FOX)
    assert await marks.of(LUNA) == [CAT, FOX]
    assert not await marks.toggle(LUNA, FOX)
    assert await marks.of(LUNA) == [CAT]
    assert await marks.holds(MAX, FOX)
    assert not await marks.holds(LUNA, FOX)
