"""What each member has used today: taken when a job is accepted, put right when it ends. Each function is one
transaction's work.

For every member, server and day, `usage` is the sum of `charges`, to the millisecond: nothing else is ever written.
Declines to know what anybody is allowed (bot/policy.py) and how a refusal is worded.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Update, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger.allowance import Allowance, QuotaReached, Usage
from bot.ledger.job import State
from bot.ledger.rows import now
from bot.ledger.schema import charges, jobs, usage

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def today(moment: datetime) -> int:
    """The day of `moment` in UTC, counted from 1970."""
    return (moment - _EPOCH).days


def next_day(moment: datetime) -> datetime:
    """When what was used on the day of `moment` is free again: midnight UTC."""
    return _EPOCH + timedelta(days=today(moment) + 1)


def reserve(
    connection: Connection,
    job_id: str,
    *,
    guild_id: int,
    user_id: int,
    taken: Usage,
    allowance: Allowance,
) -> None:
    """Take `taken` for a new job by one conditional UPDATE. Raises QuotaReached, and then nothing was written."""
    moment = now()
    _await_cooldown(connection, guild_id, user_id, allowance.cooldown_s, moment)
    day = today(moment)
    _open_day(connection, guild_id, user_id, day)
    taking = update(usage).where(usage.c.guild_id == guild_id, usage.c.user_id == user_id, usage.c.day == day)
    if allowance.gpu_seconds_per_day is not None:
        taking = taking.where(usage.c.gpu_ms + taken.gpu_ms <= round(allowance.gpu_seconds_per_day * 1000))
    if allowance.pictures_per_day is not None:
        taking = taking.where(usage.c.pictures + taken.pictures <= allowance.pictures_per_day)
    taking = taking.values(gpu_ms=usage.c.gpu_ms + taken.gpu_ms, pictures=usage.c.pictures + taken.pictures)
    if connection.execute(taking).rowcount == 0:
        raise _reached(used(connection, guild_id, user_id, day), taken, allowance, next_day(moment))
    whose = {"guild_id": guild_id, "user_id": user_id, "day": day}
    connection.execute(charges.insert().values(job_id=job_id, **whose, gpu_ms=taken.gpu_ms, pictures=taken.pictures))


def _await_cooldown(
    connection: Connection, guild_id: int, user_id: int, cooldown_s: float | None, moment: datetime
) -> None:
    if not cooldown_s:
        return
    # Only the latest one counts, and a member's jobs of one server are few beside all of theirs.
    here = jobs.c.guild_id.is_(None) if guild_id == 0 else jobs.c.guild_id == guild_id
    # What was cancelled before it had a place was refused: an answer would have come too late (bot/admission.py).
    counts = or_(jobs.c.is_placed, jobs.c.state != State.CLOSED)
    wanted = select(func.max(jobs.c.created_at)).where(jobs.c.user_id == user_id, here, counts)
    latest = connection.execute(wanted).scalar()
    if latest is None:
        return
    passed = (moment - latest).total_seconds()
    if passed < cooldown_s:
        frees_at = latest + timedelta(seconds=cooldown_s)
        raise QuotaReached("cooldown", used=passed, wanted=0, most=cooldown_s, frees_at=frees_at)


def _open_day(connection: Connection, guild_id: int, user_id: int, day: int) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = insert(usage).values(guild_id=guild_id, user_id=user_id, day=day, gpu_ms=0, pictures=0)
    connection.execute(first.on_conflict_do_nothing())


def _reached(so_far: Usage, taken: Usage, allowance: Allowance, frees_at: datetime) -> QuotaReached:
    most = allowance.pictures_per_day
    if most is not None and so_far.pictures + taken.pictures > most:
        return QuotaReached("pictures", used=so_far.pictures, wanted=taken.pictures, most=most, frees_at=frees_at)
    seconds = allowance.gpu_seconds_per_day or 0.0
    return QuotaReached(
        "gpu_seconds",
        used=so_far.gpu_ms / 1000,
        wanted=taken.gpu_ms / 1000,
        most=seconds,
        frees_at=frees_at,
    )


def settle(connection: Connection, job_id: str, final: Usage) -> None:
    """Let the job have cost `final` instead of what was taken for it. A job whose charge was forgiven costs nothing."""
    charge = connection.execute(select(charges).where(charges.c.job_id == job_id)).one_or_none()
    if charge is None:
        return
    connection.execute(
        update(charges).where(charges.c.job_id == job_id).values(gpu_ms=final.gpu_ms, pictures=final.pictures)
    )
    connection.execute(
        _of_day(charge).values(
            gpu_ms=usage.c.gpu_ms + final.gpu_ms - charge.gpu_ms,
            pictures=usage.c.pictures + final.pictures - charge.pictures,
        )
    )


def _of_day(charge: Row[Any]) -> Update:
    return update(usage).where(
        usage.c.guild_id == charge.guild_id, usage.c.user_id == charge.user_id, usage.c.day == charge.day
    )


def used(connection: Connection, guild_id: int, user_id: int, day: int) -> Usage:
    """What the member has used in that server on that day."""
    row = connection.execute(
        select(usage).where(usage.c.guild_id == guild_id, usage.c.user_id == user_id, usage.c.day == day)
    ).one_or_none()
    return Usage() if row is None else Usage(row.gpu_ms, row.pictures)


def forgive(connection: Connection, guild_id: int, user_id: int, day: int) -> Usage:
    """Forget what was used on that day, open jobs included, and return it."""
    had = used(connection, guild_id, user_id, day)
    # The charges go too: a job that ends later must not give back what is no longer counted.
    for table in (charges, usage):
        connection.execute(
            delete(table).where(table.c.guild_id == guild_id, table.c.user_id == user_id, table.c.day == day)
        )
    return had


def leaders(connection: Connection, guild_id: int, day: int) -> list[tuple[int, Usage]]:
    """Members who used anything in that server on that day, the heaviest first."""
    of_day = select(usage).where(
        usage.c.guild_id == guild_id, usage.c.day == day, or_(usage.c.gpu_ms > 0, usage.c.pictures > 0)
    )
    rows = connection.execute(of_day.order_by(usage.c.gpu_ms.desc(), usage.c.user_id))
    return [(row.user_id, Usage(row.gpu_ms, row.pictures)) for row in rows]
