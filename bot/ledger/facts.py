"""Single facts: where we are in the event stream, whether the queue is paused, which commands Discord knows."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from bot.ledger.rows import now
from bot.ledger.schema import facts

BEGINNING = "0-0"
"""Before the first entry of any stream."""
_CURSOR = "events_cursor"
_PAUSED = "paused"
_DRAINING = "draining"
_COMMANDS = "command_hash"
_IDENTITY = "identity"
_APPLICATION = "application"
_SPARED = "spared_guilds"


@dataclass(frozen=True)
class Pause:
    """Why nothing is dispatched, since when, and who said so."""

    reason: str
    since: datetime
    by: int | None


def pause(connection: Connection) -> Pause | None:
    """Return the pause, if there is one."""
    return _pause(connection, _PAUSED)


def set_pause(connection: Connection, reason: str | None, by: int) -> None:
    """Pause for `reason`; None ends it."""
    _set_pause(connection, _PAUSED, reason, by)


def drain(connection: Connection) -> Pause | None:
    """Why nothing new is accepted, if that is so."""
    return _pause(connection, _DRAINING)


def set_drain(connection: Connection, reason: str | None, by: int) -> None:
    """Accept nothing new for `reason`; None ends it."""
    _set_pause(connection, _DRAINING, reason, by)


def _pause(connection: Connection, name: str) -> Pause | None:
    row = connection.execute(select(facts).where(facts.c.name == name)).one_or_none()
    return None if row is None else Pause(row.value, row.changed_at, row.changed_by)


def _set_pause(connection: Connection, name: str, reason: str | None, by: int) -> None:
    if reason is None:
        connection.execute(delete(facts).where(facts.c.name == name))
    else:
        _put(connection, name, reason, by)


def cursor(connection: Connection) -> str:
    """Return the last applied entry of the event stream."""
    return _get(connection, _CURSOR) or BEGINNING


def set_cursor(connection: Connection, value: str) -> None:
    """Keep the last applied entry."""
    _put(connection, _CURSOR, value)


def command_hash(connection: Connection) -> str | None:
    """Return the hash of the command set that was synced last."""
    return _get(connection, _COMMANDS)


def set_command_hash(connection: Connection, value: str) -> None:
    """Keep the hash of the command set."""
    _put(connection, _COMMANDS, value)


def identity(connection: Connection) -> str:
    """A name for this ledger that no other has; drawn when it is first asked for."""
    known = _get(connection, _IDENTITY)
    if known is None:
        known = secrets.token_hex(8)
        _put(connection, _IDENTITY, known)
    return known


def application(connection: Connection) -> str | None:
    """The application that used this ledger last."""
    return _get(connection, _APPLICATION)


def set_application(connection: Connection, value: str) -> None:
    """Keep which application uses this ledger."""
    _put(connection, _APPLICATION, value)


def spared_guilds(connection: Connection) -> set[int]:
    """Servers of an application that used this ledger before, which the present one was not added to."""
    return {int(guild_id) for guild_id in (_get(connection, _SPARED) or "").split()}


def set_spared_guilds(connection: Connection, guilds: Iterable[int]) -> None:
    """Keep them."""
    _put(connection, _SPARED, " ".join(map(str, sorted(guilds))))


def _get(connection: Connection, name: str) -> str | None:
    value: Any = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()
    return None if value is None else str(value)


def _put(connection: Connection, name: str, value: str, by: int | None = None) -> None:
    # Writers take turns, so nobody inserts between these two.
    written = {"value": value, "changed_at": now(), "changed_by": by}
    if connection.execute(update(facts).where(facts.c.name == name).values(**written)).rowcount == 0:
        connection.execute(facts.insert().values(name=name, **written))
