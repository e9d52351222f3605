"""Presets and preferences in the ledger."""

from __future__ import annotations

import pytest

from bot.ledger.ledger import Ledger
from bot.ledger.presets import MAX_PRESETS, ShelfFull
from bot.preset import Preferences, Preset

LUNA, MAX = 1, 2
GUILD, ELSEWHERE = 10, 20


async def names(ledger: Ledger, user_id: int, guild_id: int | None) -> list[tuple[str, int]]:
    """What the member may use."""
    return [(kept.preset.name, kept.user_id) for kept in await ledger.shelf.visible(user_id, guild_id)]


async def test_a_preset_is_its_owners_until_it_is_shared(ledger: Ledger) -> None:
    """Sharing opens it to one server, taking that back closes it, and a stranger can do neither."""
    shelf = ledger.shelf
    assert not await shelf.save(LUNA, Preset(name="noir"))
    assert await names(ledger, MAX, GUILD) == []
    assert not await shelf.share(MAX, "noir", GUILD)
    assert await shelf.share(LUNA, "noir", GUILD)
    assert await names(ledger, MAX, GUILD) == [("noir", LUNA)]
    assert await names(ledger, MAX, ELSEWHERE) == []
    assert await names(ledger, MAX, None) == []
    assert not await shelf.delete(MAX, "noir")
    await shelf.share(LUNA, "noir", None)
    assert await names(ledger, MAX, GUILD) == []
    assert await shelf.delete(LUNA, "noir")
    assert await names(ledger, LUNA, GUILD) == []


async def test_an_own_preset_goes_before_a_shared_one(ledger: Ledger) -> None:
    """Somebody else's preset of the same name cannot take the place of one's own."""
    for owner in (LUNA, MAX):
        await ledger.shelf.save(owner, Preset(name="noir", prefix=str(owner)))
        await ledger.shelf.share(owner, "noir", GUILD)
    for owner in (LUNA, MAX):
        found = await ledger.shelf.find(owner, GUILD, ["noir", "unknown"])
        assert {name: kept.user_id for name, kept in found.items()} == {"noir": owner}


async def test_saving_again_replaces_and_stays_shared(ledger: Ledger) -> None:
    """The same name is the same preset."""
    await ledger.shelf.save(LUNA, Preset(name="noir", prefix="a"))
    await ledger.shelf.share(LUNA, "noir", GUILD)
    assert await ledger.shelf.save(LUNA, Preset(name="noir", prefix="b"))
    (kept,) = await ledger.shelf.visible(MAX, GUILD)
    assert kept.preset.prefix == "b"


async def test_a_full_shelf_takes_no_more_but_replaces(ledger: Ledger) -> None:
    """The bound is per member."""
    for number in range(MAX_PRESETS):
        await ledger.shelf.save(LUNA, Preset(name=f"p{number}"))
    with pytest.raises(ShelfFull):
        await ledger.shelf.save(LUNA, Preset(name="one-more"))
    assert await ledger.shelf.save(LUNA, Preset(name="p0", prefix="a"))
    assert not await ledger.shelf.save(MAX, Preset(name="one-more"))


async def test_preferences_are_kept_and_forgotten(ledger: Ledger) -> None:
    """The last word counts, and nothing at all leaves no row."""
    assert await ledger.shelf.preferences(LUNA) == Preferences()
    for preferred in (Preferences(model="dev"), Preferences(aspect="16:9"), Preferences()):
        await ledger.shelf.set_preferences(LUNA, preferred)
        assert await ledger.shelf.preferences(LUNA) == preferred
