"""Opening: migrations from nothing and from every released schema, durable commits, clear refusals."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from bot.ledger.database import Database
from bot.ledger.job import Caps, LedgerUnusable, NewJob, Outcome, State
from bot.ledger.ledger import Ledger
from bot.ledger.schema import metadata

RELEASED = sorted((Path(__file__).parent / "released").glob("*.sql"))


async def test_the_migrations_lead_to_the_tables(any_url: str) -> None:
    """What Alembic builds from nothing is what `schema.py` says, down to the indexes."""
    database = await Database.open(any_url)
    differences = await database.read(
        lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
    )
    await database.close()
    assert differences == []


async def test_opening_twice_changes_nothing(any_url: str, new_job: Callable[..., NewJob]) -> None:
    """A second opening finds the newest schema and the rows of the first."""
    first = await Ledger.open(any_url)
    job = await first.accept(new_job(), Caps(1, 1))
    await first.close()
    second = await Ledger.open(any_url)
    assert await second.get(job.id) == job
    await second.close()


def test_every_released_schema_has_its_fixture() -> None:
    """A revision that was released is kept as a dump with rows in it."""
    versions = Path(__file__).parents[3] / "bot" / "ledger" / "migrations" / "versions"
    assert [path.stem for path in RELEASED] == sorted(path.stem.removeprefix("v") for path in versions.glob("v*.py"))


@pytest.mark.parametrize("dump", [path.read_text() for path in RELEASED], ids=[path.stem for path in RELEASED])
async def test_a_released_ledger_is_read(dump: str, tmp_path: Path) -> None:
    """A ledger of each released version opens, its open jobs wait on and its closed ones keep their outcome."""
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.executescript(dump)
    connection.close()
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    by_state = {job.state: job for job in await ledger.open_jobs()}
    assert set(by_state) == {State.WAITING, State.RUNNING, State.DELIVERING}
    assert by_state[State.DELIVERING].pictures[0].width == 128
    closed = await ledger.by_result_message(1_300_000_000_000_000_001)
    assert closed is not None
    assert (closed.outcome, closed.request.prompt) == (Outcome.DELIVERED, "a red fox")
    picked = await ledger.pick("sample", 2)
    assert picked is not None
    assert picked.id == by_state[State.WAITING].id
    await ledger.close()


async def test_a_newer_ledger_is_refused_in_one_sentence(any_url: str) -> None:
    """A bot that meets a database from its future leaves it alone and says what to do."""
    database = await Database.open(any_url)
    await database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()
    with pytest.raises(LedgerUnusable, match=r"newer version \(revision 9999\); update the bot"):
        await Ledger.open(any_url)


@pytest.mark.parametrize("url", ["nonsense", "mysql+nothing://x/y"])
async def test_an_unusable_url_is_refused_in_one_sentence(url: str) -> None:
    """A URL nobody can open is answered with the two forms that work."""
    with pytest.raises(LedgerUnusable, match="sqlite\\+aiosqlite:///file or postgresql"):
        await Ledger.open(url)


async def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Where the ledger's folder cannot be made, the sentence names DATABASE_URL."""
    (tmp_path / "data").write_text("")
    with pytest.raises(LedgerUnusable, match="DATABASE_URL"):
        await Ledger.open(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")


async def test_sqlite_commits_are_durable(ledger_url: str) -> None:
    """WAL, synchronous FULL, foreign keys and five seconds of patience are set on the connections."""
    database = await Database.open(ledger_url)
    found = await database.read(
        lambda connection: [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    )
    await database.close()
    assert found == ["wal", 2, 1, 5000]


async def test_a_failed_write_leaves_nothing(any_url: str) -> None:
    """What a transaction raises rolls back all of it, and the next writer gets its turn."""
    database = await Database.open(any_url)
    insert = text("INSERT INTO facts (name, value, changed_at) VALUES ('a', '1', '2026-01-01')")

    def work(connection: object) -> None:
        connection.execute(insert)  # type: ignore[attr-defined]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await database.write(work)
    found = await database.write(lambda connection: connection.execute(text("SELECT count(*) FROM facts")).scalar())
    await database.close()
    assert found == 0
