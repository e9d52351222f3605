"""One bot per ledger: whoever claims it keeps it until its process ends, however it ends.

Two bots on one ledger would overwrite each other's status messages and dispatch each other's jobs. The claim is a lock
that the operating system or the database server lets go of by itself, so a killed bot leaves none behind. Declines to
know what is in the ledger; those who only look claim nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.ledger.job import LedgerTaken

_log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long a bot waits for the one before it: longer than that one takes to finish what it is at."""
_LOOK_S = 0.25
_ADVISORY_LOCK = 0x666C757842
"""Names the claim among PostgreSQL's advisory locks: “fluxB” in ASCII."""

_Release = Callable[[], Awaitable[None]]


class Claim:
    """The right to work with a ledger, held until `release` or the end of the process."""

    def __init__(self, release: _Release) -> None:
        self._release = release

    @classmethod
    async def take(cls, url: str, patience_s: float = PATIENCE_S) -> Claim:
        """Wait until the ledger at `url` is ours. Raises LedgerTaken, with one sentence, after `patience_s` seconds.

        A URL that cannot be understood or reached is claimed as it is: opening it has words for what is wrong.
        """
        deadline, has_said = time.monotonic() + patience_s, False
        while True:
            try:
                release = await _try(url)
            except (SQLAlchemyError, OSError, ImportError):
                release = _nothing
            if release is not None:
                return cls(release)
            if time.monotonic() >= deadline:
                raise LedgerTaken(
                    "Another bot works with this ledger; stop it first, or give this one a DATABASE_URL of its own."
                )
            if not has_said:
                has_said = True
                _log.warning("Another bot works with this ledger; waiting up to %.0f s for its end.", patience_s)
            await asyncio.sleep(_LOOK_S)

    async def release(self) -> None:
        """Let the next one have it."""
        await self._release()


async def _try(url: str) -> _Release | None:
    """Return how to let go, or None while somebody else holds it."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return await _try_server(parsed)
    if not parsed.database or parsed.database == ":memory:":
        return _nothing
    return await asyncio.to_thread(_try_file, f"{parsed.database}.claim")


def _try_file(name: str) -> _Release | None:
    path = Path(name).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None

    async def release() -> None:
        file.close()

    return release


async def _try_server(url: URL) -> _Release | None:
    """One connection of our own: the lock lives as long as it does."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        connection = await engine.connect()
        lock = text("SELECT pg_try_advisory_lock(:lock)")
        if (await connection.execute(lock, {"lock": _ADVISORY_LOCK})).scalar_one():

            async def release() -> None:
                await connection.close()
                await engine.dispose()

            return release
        await connection.close()
    except BaseException:
        await engine.dispose()
        raise
    await engine.dispose()
    return None


async def _nothing() -> None:
    """Nobody else can have it."""
