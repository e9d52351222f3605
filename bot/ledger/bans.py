"""Who may not draw, where, why and until when. Each function is one transaction's work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select

from bot.ledger.audit import EVERYWHERE, Actor
from bot.ledger.rows import now
from bot.ledger.schema import bans


@dataclass(frozen=True)
class Ban:
    """One member, banned from one server or from all."""

    guild_id: int
    user_id: int
    reason: str
    banned_by: int
    banned_at: datetime
    expires_at: datetime | None

    @property
    def document(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {"reason": self.reason, "expires_at": self.expires_at.isoformat() if self.expires_at else None}


def set_ban(connection: Connection, actor: Actor, user_id: int, reason: str, expires_at: datetime | None) -> Ban | None:
    """Ban the member, or word an existing ban anew; return the former one."""
    former = lift(connection, actor.guild_id, user_id)
    connection.execute(
        bans.insert().values(
            guild_id=actor.guild_id,
            user_id=user_id,
            reason=reason,
            banned_at=now(),
            banned_by=actor.user_id,
            expires_at=expires_at,
        )
    )
    return former


def lift(connection: Connection, guild_id: int, user_id: int) -> Ban | None:
    """End a ban and return it; None if there was none in force."""
    mine = (bans.c.guild_id == guild_id, bans.c.user_id == user_id)
    row = connection.execute(select(bans).where(*mine)).one_or_none()
    connection.execute(delete(bans).where(*mine))
    return None if row is None or _is_over(row) else _ban(row)


def in_force(connection: Connection, user_id: int, guild_id: int | None) -> Ban | None:
    """The ban that keeps the member from drawing in that server, the operator's first."""
    here = (EVERYWHERE, guild_id or EVERYWHERE)
    found = connection.execute(
        select(bans).where(bans.c.user_id == user_id, bans.c.guild_id.in_(here)).order_by(bans.c.guild_id)
    )
    return next((_ban(row) for row in found if not _is_over(row)), None)


def listed(connection: Connection, guild_id: int) -> list[Ban]:
    """The bans of one server that are in force, the newest first."""
    unfinished = or_(bans.c.expires_at.is_(None), bans.c.expires_at > now())
    found = select(bans).where(bans.c.guild_id == guild_id, unfinished).order_by(bans.c.banned_at.desc())
    return [_ban(row) for row in connection.execute(found)]


def all_in_force(connection: Connection) -> list[Ban]:
    """Every ban that is in force anywhere, the operator's first."""
    unfinished = or_(bans.c.expires_at.is_(None), bans.c.expires_at > now())
    return [_ban(row) for row in connection.execute(select(bans).where(unfinished).order_by(bans.c.guild_id))]


def _is_over(row: Row[Any]) -> bool:
    return row.expires_at is not None and row.expires_at <= now()


def _ban(row: Row[Any]) -> Ban:
    return Ban(row.guild_id, row.user_id, row.reason, row.banned_by, row.banned_at, row.expires_at)
