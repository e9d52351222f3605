"""Whose turn it is: weight classes first, then the member who had the least, then the order of asking.

Both levels are start-time fair queueing in GPU-seconds. Whoever comes back from idleness joins at the clock of those
who waited: rest earns no credit, and work done while nobody else wanted the GPU is no debt. A pick is charged with an
estimate, which `settle` puts right; clocks leave out what is only estimated, so that a correction cannot overtake
somebody who joined meanwhile. Declines to know Redis and how many GPUs there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger.job import IN_FLIGHT, State
from bot.ledger.schema import classes, jobs, shares

UNMEASURED_S = 10.0
"""What a job of a model is charged before any job of that model was measured."""


@dataclass(frozen=True)
class Turn:
    """The job to run next, and what its member is charged for it for now."""

    job_id: str
    charged_s: float


def join(connection: Connection, *, model: str, weight: int, user_id: int) -> None:
    """Let a member, and the class, who had nothing waiting take part again. Call it before the job becomes waiting."""
    if not _has_waiting(connection, model, weight):
        _join_class(connection, model, weight)
    if not _has_waiting(connection, model, weight, user_id):
        _join_member(connection, model, weight, user_id)


def set_running_cap(connection: Connection, cap: int | None, *, model: str, weight: int, user_id: int) -> None:
    """Note how many jobs a member who has joined may have in flight; None: as many as `take` is told."""
    share = (shares.c.model == model, shares.c.weight == weight, shares.c.user_id == user_id)
    connection.execute(update(shares).where(*share, shares.c.running_cap.is_distinct_from(cap)).values(running_cap=cap))


def take(connection: Connection, model: str, cap: int, seconds_per_cost: float | None) -> Turn | None:
    """Choose and charge the next job of `model`; None if nobody below `cap` jobs in flight waits for it."""
    by_class = select(classes).where(classes.c.model == model).order_by(classes.c.virtual_s, classes.c.weight.desc())
    for row in connection.execute(by_class).all():
        member = connection.execute(_next_member(model, row.weight, cap)).first()
        if member is not None:
            return _charge(connection, row, member, seconds_per_cost)
    return None


def settle(connection: Connection, row: Row[Any], seconds: float) -> float:
    """Replace what `row` was charged by the true `seconds`, which are returned as its new charge."""
    difference = seconds - row.charged_s
    if difference:
        connection.execute(
            update(shares)
            .where(shares.c.model == row.model, shares.c.weight == row.weight, shares.c.user_id == row.user_id)
            .values(virtual_s=shares.c.virtual_s + difference)
        )
        connection.execute(
            update(classes)
            .where(classes.c.model == row.model, classes.c.weight == row.weight)
            .values(virtual_s=classes.c.virtual_s + difference / row.weight)
        )
    return seconds


def estimate(cost: float, seconds_per_cost: float | None) -> float:
    """Seconds a job of `cost` will take."""
    return UNMEASURED_S if seconds_per_cost is None else cost * seconds_per_cost


def _has_waiting(connection: Connection, model: str, weight: int, user_id: int | None = None) -> bool:
    waiting = select(jobs.c.seq).where(jobs.c.state == State.WAITING, jobs.c.model == model, jobs.c.weight == weight)
    if user_id is not None:
        waiting = waiting.where(jobs.c.user_id == user_id)
    return connection.execute(waiting.limit(1)).first() is not None


def _join_class(connection: Connection, model: str, weight: int) -> None:
    rows = connection.execute(select(classes).where(classes.c.model == model)).all()
    waiting = [
        row.virtual_s - _estimated(connection, model, row.weight) / row.weight
        for row in rows
        if row.weight != weight and _has_waiting(connection, model, row.weight)
    ]
    clock = min(waiting) if waiting else max((row.started_s for row in rows), default=0.0)
    own = next((row for row in rows if row.weight == weight), None)
    if own is None:
        first = {"virtual_s": clock, "started_s": clock, "clock_s": 0.0, "picks": 0}
        connection.execute(classes.insert().values(model=model, weight=weight, **first))
    elif own.virtual_s < clock:
        of_class = (classes.c.model == model, classes.c.weight == weight)
        connection.execute(update(classes).where(*of_class).values(virtual_s=clock))


def _join_member(connection: Connection, model: str, weight: int, user_id: int) -> None:
    clock = connection.execute(_least_waiting(model, weight)).scalar()
    if clock is None:
        of_class = (classes.c.model == model, classes.c.weight == weight)
        clock = connection.execute(select(classes.c.clock_s).where(*of_class)).scalar_one()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    joining = insert(shares).values(model=model, weight=weight, user_id=user_id, virtual_s=clock, picked=0)
    connection.execute(
        joining.on_conflict_do_update(
            index_elements=[shares.c.model, shares.c.weight, shares.c.user_id],
            set_={"virtual_s": joining.excluded.virtual_s},
            where=shares.c.virtual_s < joining.excluded.virtual_s,
        )
    )


def _least_waiting(model: str, weight: int) -> Select[Any]:
    of_member = (jobs.c.model == model, jobs.c.weight == weight, jobs.c.user_id == shares.c.user_id)
    waits = select(jobs.c.seq).where(jobs.c.state == State.WAITING, *of_member).correlate(shares).exists()
    flying = select(func.coalesce(func.sum(jobs.c.charged_s), 0.0)).where(jobs.c.state.in_(IN_FLIGHT), *of_member)
    had = shares.c.virtual_s - flying.correlate(shares).scalar_subquery()
    return select(func.min(had)).where(shares.c.model == model, shares.c.weight == weight, waits)


def _estimated(connection: Connection, model: str, weight: int) -> float:
    flying = (jobs.c.state.in_(IN_FLIGHT), jobs.c.model == model, jobs.c.weight == weight)
    return float(connection.execute(select(func.coalesce(func.sum(jobs.c.charged_s), 0.0)).where(*flying)).scalar_one())


def _next_member(model: str, weight: int, cap: int) -> Select[Any]:
    of_member = (jobs.c.model == model, jobs.c.weight == weight, jobs.c.user_id == shares.c.user_id)
    ready = select(jobs.c.seq).where(jobs.c.state == State.WAITING, *of_member, jobs.c.is_placed)
    flying = select(func.count()).where(jobs.c.user_id == shares.c.user_id, jobs.c.state.in_(IN_FLIGHT))
    return (
        select(shares.c.user_id)
        .where(
            shares.c.model == model,
            shares.c.weight == weight,
            ready.correlate(shares).exists(),
            flying.correlate(shares).scalar_subquery() < func.coalesce(shares.c.running_cap, cap),
        )
        .order_by(shares.c.virtual_s, shares.c.picked, shares.c.user_id)
        .limit(1)
    )


def _charge(connection: Connection, class_: Row[Any], member: Row[Any], seconds_per_cost: float | None) -> Turn:
    mine = (jobs.c.model == class_.model, jobs.c.weight == class_.weight, jobs.c.user_id == member.user_id)
    oldest = select(jobs.c.id, jobs.c.cost).where(jobs.c.state == State.WAITING, *mine, jobs.c.is_placed)
    job = connection.execute(oldest.order_by(jobs.c.seq).limit(1)).one()
    charged = estimate(job.cost, seconds_per_cost)
    share = (shares.c.model == class_.model, shares.c.weight == class_.weight, shares.c.user_id == member.user_id)
    clock = connection.execute(select(shares.c.virtual_s).where(*share)).scalar_one()
    connection.execute(
        update(classes)
        .where(classes.c.model == class_.model, classes.c.weight == class_.weight)
        .values(
            virtual_s=class_.virtual_s + charged / class_.weight,
            started_s=class_.virtual_s,
            clock_s=clock,
            picks=class_.picks + 1,
        )
    )
    connection.execute(
        update(shares).where(*share).values(virtual_s=shares.c.virtual_s + charged, picked=class_.picks + 1)
    )
    return Turn(job.id, charged)
