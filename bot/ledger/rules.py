"""What admins decided for a server, its channels, roles and members, as documents. Each function is one transaction's
work. Declines to know what stands in a document (bot/policy.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, select

from bot.ledger.audit import EVERYWHERE, Actor
from bot.ledger.rows import now
from bot.ledger.schema import rules

Document = dict[str, Any]


class Scope(StrEnum):
    """What a rule is for."""

    GUILD = "guild"
    CHANNEL = "channel"
    ROLE = "role"
    MEMBER = "member"


Key = tuple[Scope, int]
"""What a rule is for, and its id; 0 for a server's own."""


def of_guild(connection: Connection, guild_id: int) -> dict[Key, Document]:
    """Every rule of one server."""
    found = connection.execute(select(rules).where(rules.c.guild_id == guild_id))
    return {(Scope(row.scope), row.subject_id): row.document for row in found}


def put(connection: Connection, actor: Actor, key: Key, document: Mapping[str, Any]) -> Document | None:
    """Replace a rule, or remove it where `document` is empty; return the former one."""
    scope, subject_id = key
    mine = (rules.c.guild_id == actor.guild_id, rules.c.scope == scope, rules.c.subject_id == subject_id)
    former: Document | None = connection.execute(select(rules.c.document).where(*mine)).scalar_one_or_none()
    connection.execute(delete(rules).where(*mine))
    if document:
        connection.execute(
            rules.insert().values(
                guild_id=actor.guild_id,
                scope=scope,
                subject_id=subject_id,
                document=dict(document),
                changed_at=now(),
                changed_by=actor.user_id,
            )
        )
    return former


def guilds(connection: Connection) -> set[int]:
    """Servers that have rules of their own."""
    return set(connection.execute(select(rules.c.guild_id).distinct()).scalars()) - {EVERYWHERE}
