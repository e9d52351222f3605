"""Forgetting: what a member or a left server has in the ledger, and what is too old. One transaction's work each.

A job that is still open cannot go; what is to be forgotten stays noted until it has closed and gone. Today's usage
stays until tomorrow, or a quota could be had anew by asking to be forgotten; bans and the audit log stay, as evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from bot.ledger import facts, holdings, quota
from bot.ledger.audit import REPORT, about
from bot.ledger.job import OPEN, State
from bot.ledger.rows import now
from bot.ledger.rules import Scope
from bot.ledger.schema import (
    audit,
    bans,
    blob_uses,
    charges,
    erasures,
    favourites,
    jobs,
    preferences,
    presets,
    rules,
    shares,
    shown,
    trays,
    usage,
)
from bot.ledger.shown import KEPT

_AT_ONCE = 500
_SETTLED = timedelta(minutes=1)
"""After this nobody edits the status message of a closed job any more."""
_BAN_KEPT = timedelta(days=90)
"""How long a ban that is over is still known to admins."""


@dataclass(frozen=True)
class Erasure:
    """Who is to be forgotten: everything accepted until `asked_at`."""

    id: int
    asked_at: datetime
    user_id: int | None
    guild_id: int | None


@dataclass
class Erased:
    """What went: whoever asked removes the same from Redis and from the blobs."""

    job_ids: list[str] = field(default_factory=list)
    blobs: set[str] = field(default_factory=set)

    def add(self, other: Erased) -> None:
        """Take the other's too."""
        self.job_ids += other.job_ids
        self.blobs |= other.blobs


def ask(connection: Connection, *, user_id: int | None = None, guild_id: int | None = None) -> None:
    """Note that a member or a server is to be forgotten."""
    connection.execute(erasures.insert().values(asked_at=now(), user_id=user_id, guild_id=guild_id))


def pending(connection: Connection) -> list[Erasure]:
    """What is still to be forgotten."""
    rows = connection.execute(select(erasures).order_by(erasures.c.id))
    return [Erasure(row.id, row.asked_at, row.user_id, row.guild_id) for row in rows]


def carry_out(connection: Connection, erasure: Erasure) -> tuple[Erased, bool]:
    """Forget what can be forgotten now; True once nothing is left of it."""
    asked = _asked(erasure)
    erased = _own(connection, erasure)
    erased.add(_drop_jobs(connection, *asked))
    is_done = connection.execute(select(jobs.c.seq).where(*asked).limit(1)).first() is None
    if is_done:
        connection.execute(delete(erasures).where(erasures.c.id == erasure.id))
        if erasure.user_id is not None:
            _forget_share(connection, erasure.user_id)
    return erased, is_done


def _drop_jobs(connection: Connection, *clauses: ColumnElement[bool]) -> Erased:
    said = or_(jobs.c.is_status_final, jobs.c.finished_at < now() - _SETTLED)
    closed = select(jobs.c.id).where(*clauses, jobs.c.state == State.CLOSED, said).limit(_AT_ONCE)
    erased = Erased()
    while ids := list(connection.execute(closed).scalars()):
        connection.execute(delete(jobs).where(jobs.c.id.in_(ids)))
        connection.execute(delete(favourites).where(favourites.c.job_id.in_(ids)))
        # Usage stays as it is: what was used today counts until tomorrow.
        connection.execute(delete(charges).where(charges.c.job_id.in_(ids), charges.c.day < quota.today(now())))
        erased.job_ids += ids
        erased.blobs |= holdings.drop(connection, ids)
    return erased


def _own(connection: Connection, erasure: Erasure) -> Erased:
    if erasure.guild_id is not None:
        for table in (rules, bans, usage, charges):
            connection.execute(delete(table).where(table.c.guild_id == erasure.guild_id))
        connection.execute(update(presets).where(presets.c.shared_with == erasure.guild_id).values(shared_with=None))
        return Erased()
    user_id = erasure.user_id
    held = [row.preset for row in connection.execute(select(presets.c.preset).where(presets.c.user_id == user_id))]
    blobs = set(holdings.named(held))
    blobs |= set(connection.execute(select(trays.c.sha256).where(trays.c.user_id == user_id)).scalars())
    for table in (presets, preferences, favourites, trays, shown):
        connection.execute(delete(table).where(table.c.user_id == user_id))
    return Erased(blobs=blobs - holdings.in_use(connection, blobs))


def _forget_share(connection: Connection, user_id: int) -> None:
    waits = select(jobs.c.seq).where(jobs.c.user_id == user_id, jobs.c.state.in_(OPEN))
    if connection.execute(waits.limit(1)).first() is None:
        connection.execute(delete(shares).where(shares.c.user_id == user_id))


def open_jobs(connection: Connection, erasure: Erasure) -> list[str]:
    """Ids of jobs that have to end before the rest can go, and were not told so yet."""
    still = (*_asked(erasure), jobs.c.state.in_(OPEN), jobs.c.cancel_requested.is_(False))
    return list(connection.execute(select(jobs.c.id).where(*still)).scalars())


def closed_jobs(connection: Connection, erasure: Erasure) -> list[str]:
    """Ids of jobs that can go now."""
    closed = (*_asked(erasure), jobs.c.state == State.CLOSED)
    return list(connection.execute(select(jobs.c.id).where(*closed)).scalars())


def _asked(erasure: Erasure) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    whose = jobs.c.user_id == erasure.user_id if erasure.user_id is not None else jobs.c.guild_id == erasure.guild_id
    return whose, jobs.c.created_at <= erasure.asked_at


def retire_pictures(connection: Connection, before: datetime) -> set[str]:
    """Let go of the pictures and references of jobs that ended before then; return the blobs nothing refers to."""
    ended = (
        select(blob_uses.c.job_id)
        .join(jobs, jobs.c.id == blob_uses.c.job_id)
        .where(jobs.c.state == State.CLOSED, jobs.c.finished_at < before)
        .distinct()
        .limit(_AT_ONCE)
    )
    freed: set[str] = set()
    while ids := list(connection.execute(ended).scalars()):
        freed |= holdings.drop(connection, ids)
    return freed


def retire_jobs(connection: Connection, before: datetime) -> Erased:
    """Forget jobs that ended before then, favourites excepted."""
    kept = select(favourites.c.job_id)
    return _drop_jobs(connection, jobs.c.finished_at < before, jobs.c.id.not_in(kept))


def retire_records(connection: Connection, audit_before: datetime) -> None:
    """Forget old usage, bans that are long over, old rows of the audit log, and what old forms were opened for."""
    yesterday = quota.today(now()) - 1
    for table in (usage, charges):
        connection.execute(delete(table).where(table.c.day < yesterday))
    connection.execute(delete(bans).where(bans.c.expires_at < now() - _BAN_KEPT))
    connection.execute(delete(audit).where(audit.c.at < audit_before))
    connection.execute(delete(shown).where(shown.c.opened_at < now() - KEPT))


def known_guilds(connection: Connection) -> set[int]:
    """Servers something is kept of."""
    found: set[int] = set()
    for table in (rules, bans, usage, jobs):
        found |= set(connection.execute(select(table.c.guild_id).distinct()).scalars())
    return found - {0, None}


def left_guilds(connection: Connection, present: Collection[int], application_id: int) -> tuple[set[int], set[int]]:
    """Servers that were left, and those that are spared: another application's, to which this one was not added yet.

    Who exchanges the application behind a ledger would lose everything at the first start otherwise.
    """
    absent = known_guilds(connection).difference(present)
    spared = facts.spared_guilds(connection) & absent
    if facts.application(connection) not in (None, str(application_id)):
        spared = absent
    facts.set_application(connection, str(application_id))
    facts.set_spared_guilds(connection, spared)
    return absent - spared, spared


def dossier(connection: Connection, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Everything kept of a member, by table, as JSON can hold it."""
    by_user = (jobs, presets, preferences, favourites, trays, shown, usage, charges, bans, shares)
    found: dict[str, list[dict[str, Any]]] = {}
    for table in by_user:
        rows = connection.execute(select(table).where(table.c.user_id == user_id).order_by(*table.primary_key))
        found[table.name] = [dict(row) for row in rows.mappings()]
    concerning = or_(audit.c.actor_id == user_id, about(user_id))
    own = (rules.c.scope == Scope.MEMBER, rules.c.subject_id == user_id)
    found["rules"] = [dict(row) for row in connection.execute(select(rules).where(*own)).mappings()]
    found["audit"] = [dict(row) for row in connection.execute(select(audit).where(concerning)).mappings()]
    for deed in found["audit"]:
        # Whoever reports somebody trusts that only moderators read it.
        if deed["action"] == REPORT and deed["actor_id"] != user_id:
            del deed["actor_id"]
    for job in found["jobs"]:
        # A secret of the interaction, and of no use to anybody.
        (job.get("status") or {}).pop("interaction_token", None)
    return found


def summary(connection: Connection, user_id: int) -> Sequence[tuple[str, int]]:
    """How many rows of each kind."""
    return [(name, len(rows)) for name, rows in dossier(connection, user_id).items()]
