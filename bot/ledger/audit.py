"""Who did what, when, to whom, and what it was before and after. Rows are only ever added, and removed by age.

Each function is one transaction's work; a change and its row share one. Declines to know what any action does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, or_, select

from bot.ledger.rows import now
from bot.ledger.schema import audit

REPORT = "report"
"""What a member does, not an admin."""
_REMOVALS = ("report delete", "picture delete")
EVERYWHERE = 0
"""Stands for every server at once, and for the terminal where somebody's id would be."""


@dataclass(frozen=True)
class Actor:
    """Who acts, and for which server."""

    user_id: int
    """0: somebody at the operator's terminal."""
    guild_id: int
    """0: every server."""


@dataclass(frozen=True)
class Deed:
    """One row."""

    id: int
    at: datetime
    guild_id: int
    actor_id: int
    action: str
    target: str
    before: Any
    after: Any


def record(
    connection: Connection, actor: Actor, action: str, target: object = "", before: Any = None, after: Any = None
) -> None:
    """Add a row."""
    connection.execute(
        audit.insert().values(
            at=now(),
            guild_id=actor.guild_id,
            actor_id=actor.user_id,
            action=action,
            target=str(target)[:100],
            before=before,
            after=after,
        )
    )


def about(user_id: int) -> ColumnElement[bool]:
    """Rows of what was done to a member, or to something of his."""
    sides = (cast(side, String).contains(str(user_id)) for side in (audit.c.before, audit.c.after))
    return or_(audit.c.target == str(user_id), *sides)


def was_removed(connection: Connection, guild_id: int, job_id: str) -> bool:
    """Whether moderators have taken a picture away, from a report or from under it."""
    removed = (audit.c.guild_id == guild_id, audit.c.target == job_id, audit.c.action.in_(_REMOVALS))
    return connection.execute(select(audit.c.id).where(*removed).limit(1)).first() is not None


def actions(connection: Connection, guild_id: int) -> list[str]:
    """Every kind of deed of one server, or of all where `guild_id` is EVERYWHERE."""
    found = select(audit.c.action).distinct().order_by(audit.c.action)
    if guild_id != EVERYWHERE:
        found = found.where(audit.c.guild_id == guild_id)
    return list(connection.execute(found).scalars())


def search(
    connection: Connection,
    guild_id: int,
    *,
    actor_id: int | None = None,
    about_id: int | None = None,
    action: str | None = None,
    limit: int = 1000,
) -> list[Deed]:
    """The newest rows first: of one server, or of all where `guild_id` is EVERYWHERE."""
    found = select(audit)
    if about_id is not None:
        found = found.where(about(about_id))
    if guild_id != EVERYWHERE:
        found = found.where(audit.c.guild_id == guild_id)
    if actor_id is not None:
        found = found.where(audit.c.actor_id == actor_id)
    if action is not None:
        found = found.where(audit.c.action.startswith(action, autoescape=True))
    rows = connection.execute(found.order_by(audit.c.id.desc()).limit(limit))
    return [
        Deed(row.id, row.at, row.guild_id, row.actor_id, row.action, row.target, row.before, row.after) for row in rows
    ]
