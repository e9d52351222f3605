"""One database, SQLite or PostgreSQL: opening, migrating, and transactions that read or write.

Writers take turns, on either: a write transaction sees nobody else's half-done work, so that counting and then
inserting is one step. Declines to know what is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.ledger.job import LedgerAway, LedgerUnusable

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_TIMEOUT_MS = 5000
_PRAGMAS = (
    # First: switching to WAL already needs the patience.
    f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    # FULL: a commit that was answered is on the disk, also after a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is deleted is overwritten, not only let go of.
    "PRAGMA secure_delete = ON",
)
_WRITES = "writes"
_THREADS = 4
_ADVISORY_LOCK = 0x666C757832
"""Names our writers' turn among PostgreSQL's advisory locks: “flux2” in ASCII."""


class Database:
    """An open database at the newest revision.

    SQLite answers in microseconds, on the calling thread: a whole transaction runs in one hop to a worker thread,
    instead of four hops per statement through its async driver, and never on the event loop. PostgreSQL answers over
    a socket and has an async driver worth its name.
    """

    def __init__(self, engine: Engine | AsyncEngine) -> None:
        self._engine = engine
        # Turns inside this process are taken here: fair, and without polling for the file's lock.
        self._turn = asyncio.Lock()
        # Threads of its own: a slow disk elsewhere must not keep the ledger waiting for one.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ledger")

    @classmethod
    async def open(cls, url: str) -> Database:
        """Connect and migrate to the newest revision. Raises LedgerUnusable with one sentence."""
        try:
            database = cls(_engine(url))
            try:
                await database.write(_migrate)
            except BaseException:
                await database.close()
                raise
        except (DBAPIError, OSError) as error:
            raise _unusable(url, error) from error
        return database

    async def close(self) -> None:
        """Close every connection."""
        if isinstance(self._engine, AsyncEngine):
            await self._engine.dispose()
        else:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._engine.dispose)
        self._threads.shutdown()

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work`, which only looks."""
        return await self._run(work, writes=False)

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` alone among all writers, and commit. What it raises rolls everything back."""
        async with self._turn:
            return await self._run(work, writes=True)

    async def scrub(self) -> None:
        """Take deleted rows out of SQLite's log too, as far as nobody reads it right now."""
        if isinstance(self._engine, AsyncEngine):
            return
        async with self._turn:
            await asyncio.get_running_loop().run_in_executor(self._threads, _truncate_log, self._engine)

    async def _run(self, work: Callable[[Connection], _T], *, writes: bool) -> _T:
        engine = self._engine
        if isinstance(engine, AsyncEngine):
            async with engine.connect() as connection:
                await connection.execution_options(**{_WRITES: writes})
                async with connection.begin():
                    return await connection.run_sync(work)
        # A write that has begun is waited for, so that the turn is not given on while it still runs.
        running = asyncio.get_running_loop().run_in_executor(self._threads, _transact, engine, work, writes)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            raise


def _truncate_log(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()


def _transact(engine: Engine, work: Callable[[Connection], _T], writes: bool) -> _T:
    with engine.connect() as connection:
        connection.execution_options(**{_WRITES: writes})
        with connection.begin():
            return work(connection)


def _unusable(url: str, error: DBAPIError | OSError) -> LedgerUnusable:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OSError) and make_url(url).host:
        return LedgerAway(f"The ledger's server cannot be reached ({cause}); start it or set DATABASE_URL.")
    return LedgerUnusable(f"The ledger cannot be opened ({cause}); check DATABASE_URL.")


def _engine(url: str) -> Engine | AsyncEngine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        engine = create_async_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, InvalidRequestError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise LedgerUnusable(
            f"DATABASE_URL cannot be used ({error}); give sqlite+aiosqlite:///file or postgresql+asyncpg://user@host/name."
        ) from error
    event.listen(engine.sync_engine, "begin", _take_turn)
    return engine


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.set(drivername="sqlite+pysqlite"))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    # The driver would begin deferred transactions of its own; ours begin in `_begin`.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads first and writes later could not be upgraded once somebody else wrote.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")


def _take_turn(connection: Connection) -> None:
    # Read committed, PostgreSQL's default, is what makes this right: each statement after the wait sees all commits.
    if connection.get_execution_options().get(_WRITES):
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})


async def revisions(url: str) -> tuple[str | None, str, frozenset[str]]:
    """The revision of the database at `url`, the newest one, and all that are known; nothing is changed.

    Raises LedgerUnusable and SQLAlchemyError.
    """
    scripts = ScriptDirectory.from_config(_alembic())
    known = frozenset(script.revision for script in scripts.walk_revisions())
    head = scripts.get_current_head()
    assert head is not None
    database = Database(_engine(url))
    try:
        current = await database.read(lambda it: MigrationContext.configure(it).get_current_revision())
    except (DBAPIError, OSError) as error:
        raise _unusable(url, error) from error
    finally:
        await database.close()
    return current, head, known


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _migrate(connection: Connection) -> None:
    config = _alembic()
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise LedgerUnusable(
            f"The ledger was written by a newer version (revision {current}); update the bot or restore a backup."
        )
    if current != scripts.get_current_head():
        _log.info("Migrating the ledger from revision %s to %s.", current or "none", scripts.get_current_head())
        command.upgrade(config, "head")
