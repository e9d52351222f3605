"""What the reconciler looks at: open jobs that Redis ought to know, and closed ones it may forget. Changes no state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select, update

from bot.ledger import rows
from bot.ledger.job import Job, State
from bot.ledger.schema import jobs
from worker.contract import RenderResult

_AT_ONCE = 500


@dataclass(frozen=True)
class Sighting:
    """An open job beyond the waiting, as the ledger had it at one moment."""

    job: Job
    fence_floor: int
    deliveries: int
    """Number of the newest entry on a deliver lane; the worker's own is 0."""
    result: RenderResult | None


def sight(connection: Connection) -> list[Sighting]:
    """Every job that is dispatched, running, delivering, or sent to be rewritten."""
    beyond = (State.DISPATCHED, State.RUNNING, State.DELIVERING)
    rewriting = and_(jobs.c.state == State.REWRITING, jobs.c.dispatched_at.is_not(None))
    found = connection.execute(select(jobs).where(or_(jobs.c.state.in_(beyond), rewriting)).order_by(jobs.c.seq))
    return [_sighting(row) for row in found]


def _sighting(row: Row[Any]) -> Sighting:
    return Sighting(rows.as_job(row), row.fence_floor, row.deliveries, rows.as_result(row))


def unplaced(connection: Connection, older_than: timedelta) -> list[Job]:
    """Waiting jobs that have had no destination for so long that whoever was to store it must be gone."""
    before = rows.now() - older_than
    states = (State.REWRITING, State.WAITING)
    waiting = (jobs.c.state.in_(states), jobs.c.is_placed.is_(False), jobs.c.created_at < before)
    return rows.find_all(connection, *waiting)


def next_delivery(connection: Connection, seen: Sighting) -> int | None:
    """Number the next entry on a deliver lane; None if the job has moved since it was `seen`."""
    same = (jobs.c.state == State.DELIVERING, jobs.c.deliveries == seen.deliveries)
    counting = update(jobs).where(jobs.c.id == seen.job.id, *same).values(deliveries=seen.deliveries + 1)
    return seen.deliveries + 1 if connection.execute(counting).rowcount == 1 else None


def unswept(connection: Connection) -> list[Job]:
    """Closed jobs whose keys in Redis still live for ever; at most some hundreds at a time."""
    closed = select(jobs).where(jobs.c.state == State.CLOSED, jobs.c.is_swept.is_(False))
    return rows.as_jobs(connection.execute(closed.limit(_AT_ONCE)))


def mark_swept(connection: Connection, job_ids: Sequence[str]) -> None:
    """Note that Redis will forget these jobs."""
    connection.execute(update(jobs).where(jobs.c.id.in_(job_ids)).values(is_swept=True))
