"""Which jobs, trays and presets refer to which blobs: what is needed, what may go. Each call is in a transaction.

A blob is named by its content, so two members who drew or attached the same picture share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, String, cast, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger.schema import blob_uses, presets, trays

_AT_ONCE = 500
"""Values in one IN list; SQLite takes no end of them."""


def note(connection: Connection, job_id: str, document: Any) -> None:
    """Note every blob a request or a result names."""
    found = sorted(set(named(document)))
    if not found:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    uses = [{"sha256": sha256, "job_id": job_id} for sha256 in found]
    connection.execute(insert(blob_uses).on_conflict_do_nothing(), uses)


def named(document: Any) -> Iterator[str]:
    """Every blob a document names, however deep."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "sha256" and isinstance(value, str):
                yield value
            else:
                yield from named(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from named(value)


def drop(connection: Connection, job_ids: Iterable[str]) -> set[str]:
    """Forget what these jobs refer to; return the blobs that nothing else refers to."""
    freed: set[str] = set()
    ids = list(job_ids)
    for start in range(0, len(ids), _AT_ONCE):
        of_jobs = blob_uses.c.job_id.in_(ids[start : start + _AT_ONCE])
        freed |= set(connection.execute(select(blob_uses.c.sha256).where(of_jobs)).scalars())
        connection.execute(delete(blob_uses).where(of_jobs))
    return freed - in_use(connection, freed)


def in_use(connection: Connection, blobs: Iterable[str]) -> set[str]:
    """Those of `blobs` that some job, tray or preset refers to."""
    names, used = sorted(blobs), set[str]()
    for start in range(0, len(names), _AT_ONCE):
        for uses in (blob_uses, trays):
            some = uses.c.sha256.in_(names[start : start + _AT_ONCE])
            used |= set(connection.execute(select(uses.c.sha256).where(some)).scalars())
    return used | (set(names) & _in_presets(connection) if names else set())


def _in_presets(connection: Connection) -> set[str]:
    # Most presets have no pictures; those are not even read.
    with_pictures = select(presets.c.preset).where(cast(presets.c.preset, String).not_like('%"pictures": []%'))
    return set(named(list(connection.execute(with_pictures).scalars())))
