"""Reference trays and forms' pictures in the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.ledger import holdings
from bot.ledger.database import Database
from bot.ledger.forgetting import Forgetting
from bot.ledger.presets import Shelf
from bot.ledger.rows import now
from bot.ledger.schema import shown, trays
from bot.ledger.shown import Shown
from bot.ledger.trays import MAX_PICTURES, Laid, TrayFull, Trays
from bot.preset import Preset
from flux2.request import ReferenceImage

LUNA, MAX = 1, 2


@pytest.fixture
async def database(any_url: str) -> AsyncIterator[Database]:
    """A fresh database."""
    database = await Database.open(any_url)
    yield database
    await database.close()


def laid(digit: str, label: str = "fox.png") -> Laid:
    """A picture whose hash is that digit."""
    return Laid(picture=ReferenceImage(sha256=digit * 64, width=64, height=48), label=label)


def order(tray: tuple[Laid, ...]) -> str:
    """The digits of a tray's hashes, in order."""
    return "".join(one.picture.sha256[0] for one in tray)


async def test_a_tray_keeps_its_order_and_no_picture_twice(database: Database) -> None:
    """What is laid in comes last; what lies there already stays where it is; each member has their own."""
    kept = Trays(database)
    await kept.add(LUNA, [laid("a"), laid("b")])
    assert order(await kept.add(LUNA, [laid("b"), laid("c")])) == "abc"
    assert await kept.of(LUNA) == (laid("a"), laid("b"), laid("c"))
    assert await kept.of(MAX) == ()
    tray, _ = await kept.arrange(LUNA, lambda tray: (tray[2], *tray[:2]))
    assert order(tray) == order(await kept.of(LUNA)) == "cab"


async def test_a_full_tray_takes_none_of_what_does_not_fit(database: Database) -> None:
    """The room left is told, and nothing was added."""
    kept = Trays(database)
    await kept.add(LUNA, [laid(digit) for digit in "012345678"])
    with pytest.raises(TrayFull) as full:
        await kept.add(LUNA, [laid("a"), laid("b")])
    assert full.value.room == 1
    assert len(await kept.of(LUNA)) == MAX_PICTURES - 1


async def test_only_blobs_that_nobody_needs_are_given_back(database: Database) -> None:
    """A picture that another tray or a preset holds, or a job refers to, stays when it is taken out of one tray."""
    kept = Trays(database)
    await kept.add(LUNA, [laid("a"), laid("b"), laid("c"), laid("d")])
    await Shelf(database).save(MAX, Preset(name="fox", pictures=(laid("d").picture,)))
    await Shelf(database).save(MAX, Preset(name="plain"))
    await kept.add(MAX, [laid("b")])
    await database.write(lambda it: holdings.note(it, "f" * 16, {"sha256": "c" * 64}))
    _, free = await kept.arrange(LUNA, lambda _: ())
    assert free == {"a" * 64}
    assert await database.write(lambda it: holdings.drop(it, ["f" * 16])) == {"c" * 64}


async def test_a_tray_nobody_touched_for_a_week_is_empty(database: Database) -> None:
    """It reads as empty at once, and forgetting it gives its blobs back."""
    kept = Trays(database)
    await kept.add(LUNA, [laid("a")])
    await kept.add(MAX, [laid("b")])
    old = update(trays).where(trays.c.user_id == LUNA).values(changed_at=now() - timedelta(days=7, minutes=1))
    await database.write(lambda it: it.execute(old))
    assert await kept.of(LUNA) == ()
    assert await kept.forget_stale() == {"a" * 64}
    assert order(await kept.of(MAX)) == "b"


async def test_what_a_form_was_opened_for_is_its_members_alone(database: Database) -> None:
    """Nobody else reads it, and after an hour nobody does."""
    forms = Shown(database)
    await forms.keep(10, LUNA, [{"filename": "fox.png"}])
    assert await forms.of(10, LUNA) == [{"filename": "fox.png"}]
    assert await forms.of(10, MAX) is None
    old = update(shown).values(opened_at=now() - timedelta(hours=1, minutes=1))
    await database.write(lambda it: it.execute(old))
    assert await forms.of(10, LUNA) is None
    await forms.keep(11, LUNA, [])
    left = await database.read(lambda it: list(it.execute(shown.select())))
    assert [row.interaction_id for row in left] == [11]
    # Also where no other form is ever opened.
    await database.write(lambda it: it.execute(old))
    await Forgetting(database).retire_records(now())
    assert await database.read(lambda it: list(it.execute(shown.select()))) == []
