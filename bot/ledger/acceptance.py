"""Letting a job in, and out of the queue again before it ran. Each function is one transaction's work."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from bot.ledger import holdings, measures, quota, rows, turns
from bot.ledger.allowance import Usage
from bot.ledger.job import (
    IN_FLIGHT,
    OPEN,
    AlreadyAccepted,
    Caps,
    GuildCapReached,
    Job,
    MemberCapReached,
    NewJob,
    Outcome,
    State,
    Status,
)
from bot.ledger.schema import jobs
from worker.contract import Destination, asks_api


def accept(connection: Connection, job: NewJob, caps: Caps) -> Job:
    """Insert the job and take its quota.

    Raises AlreadyAccepted, MemberCapReached, GuildCapReached or QuotaReached, and then nothing was written.
    """
    twin = rows.find(connection, jobs.c.idempotency_key == job.idempotency_key)
    if twin is not None:
        raise AlreadyAccepted(rows.as_job(twin))
    of_member = _count_open(connection, jobs.c.user_id, job.user_id)
    if of_member >= caps.per_member:
        raise MemberCapReached(of_member, caps.per_member)
    if job.guild_id is not None:
        of_guild = _count_open(connection, jobs.c.guild_id, job.guild_id)
        if of_guild >= caps.per_guild:
            raise GuildCapReached(of_guild, caps.per_guild)
    _reserve(connection, job, caps)
    model, weight = rows.queue_of(job), rows.weight(job.priority)
    if not asks_api(job.request):
        turns.join(connection, model=model, weight=weight, user_id=job.user_id)
    turns.set_running_cap(connection, caps.running, model=model, weight=weight, user_id=job.user_id)
    row = rows.new_row(job)
    connection.execute(jobs.insert().values(**row))
    holdings.note(connection, job.id, row["request"])
    return rows.change(connection, job.id)


def _reserve(connection: Connection, job: NewJob, caps: Caps) -> None:
    model = rows.queue_of(job)
    pace = measures.seconds_per_cost(connection, model)
    seconds = 0.0 if model == rows.HOSTED else turns.estimate(job.request.cost, pace)
    taken = Usage(round(1000 * seconds), job.request.count)
    whose = {"guild_id": job.guild_id or 0, "user_id": job.user_id}
    quota.reserve(connection, job.id, **whose, taken=taken, allowance=caps.allowance)


def _count_open(connection: Connection, column: Any, value: int) -> int:
    counting = select(func.count()).where(column == value, jobs.c.state.in_(OPEN))
    return connection.execute(counting).scalar_one()


def place(connection: Connection, job_id: str, destination: Destination, status: Status | None) -> None:
    """Store where the result goes; from now on the job may be picked. Raises KeyError for an unknown job."""
    rows.change(
        connection,
        job_id,
        destination=destination.model_dump(mode="json"),
        is_placed=True,
        status=rows.status_document(status),
        # Without a status message there is nothing to bring to its end.
        is_status_final=status is None,
    )


def pick(connection: Connection, model: str, cap: int, seconds_per_cost: float | None) -> Job | None:
    """Choose the next job of `model` by turn and mark it dispatched as its next attempt."""
    turn = turns.take(connection, model, cap, seconds_per_cost)
    if turn is None:
        return None
    return rows.change(
        connection,
        turn.job_id,
        state=State.DISPATCHED,
        attempt=jobs.c.attempt + 1,
        charged_s=turn.charged_s,
        dispatched_at=rows.now(),
    )


def unpick(connection: Connection, job: Job) -> Job:
    """Undo the pick of `job`, which Redis may not have got, unless somebody ran it meanwhile.

    The attempt's number is given back too: the next pick puts the same entry on the queue, so that one that did
    arrive, though its reply was lost, is not doubled.
    """
    row = _row(connection, job.id)
    if row.state != State.DISPATCHED or row.attempt != job.attempt:
        return rows.as_job(row)
    if row.cancel_requested:
        return close(connection, row, Outcome.CANCELLED)
    return wait_again(connection, row, attempt=row.attempt - 1)


def wait_again(connection: Connection, row: Row[Any], **values: Any) -> Job:
    """Put a job that ended without a result back among the waiting, its charge refunded, at its old age.

    One whose words were asked for is asked for again.
    """
    if row.state == State.REWRITING:
        return rows.change(connection, row.id, dispatched_at=None, **values)
    charged = turns.settle(connection, row, 0.0)
    turns.join(connection, model=row.model, weight=row.weight, user_id=row.user_id)
    return rows.change(connection, row.id, state=State.WAITING, charged_s=charged, **values)


def close(connection: Connection, row: Row[Any], outcome: Outcome, **values: Any) -> Job:
    """End an open job. A run without a result is charged for the time it took, if it began at all."""
    if row.state in (State.WAITING, *IN_FLIGHT):
        ran = 0.0 if row.state != State.RUNNING else (rows.now() - row.started_at).total_seconds()
        values["charged_s"] = turns.settle(connection, row, max(ran, 0.0))
        # No picture came of it: what it ran is paid, the pictures are given back.
        quota.settle(connection, row.id, Usage(round(1000 * values["charged_s"]), 0))
        values.setdefault("finished_at", rows.now())
    if row.state == State.REWRITING:
        quota.settle(connection, row.id, Usage())
        values.setdefault("finished_at", rows.now())
    return rows.change(connection, row.id, state=State.CLOSED, outcome=outcome, **values)


def set_priority(connection: Connection, job_id: str, priority: int) -> bool:
    """Move a waiting job into the weight class of `priority`. False: it is not waiting."""
    row = rows.find(connection, jobs.c.id == job_id)
    if row is None or row.state != State.WAITING:
        return False
    weight = rows.weight(priority)
    turns.join(connection, model=row.model, weight=weight, user_id=row.user_id)
    rows.change(connection, job_id, priority=priority, weight=weight)
    return True


def request_cancel(connection: Connection, job_id: str) -> Job:
    """Close a waiting job as cancelled; note the wish on one in flight; leave any other as it is. Raises KeyError."""
    row = _row(connection, job_id)
    if row.state == State.WAITING or (row.state == State.REWRITING and row.dispatched_at is None):
        return close(connection, row, Outcome.CANCELLED, cancel_requested=True)
    if row.state in (State.REWRITING, *IN_FLIGHT):
        return rows.change(connection, job_id, cancel_requested=True)
    return rows.as_job(row)


def withdraw_cancel(connection: Connection, job_id: str) -> Job:
    """Forget the wish to cancel: a result was accepted before it."""
    connection.execute(
        update(jobs).where(jobs.c.id == job_id, jobs.c.state != State.CLOSED).values(cancel_requested=False)
    )
    return rows.change(connection, job_id)


def drop(connection: Connection, job_id: str) -> Job:
    """Close a job in flight whose entry was taken off the queue before anybody ran it."""
    row = _row(connection, job_id)
    if row.state not in (State.REWRITING, State.WAITING, *IN_FLIGHT):
        return rows.as_job(row)
    return close(connection, row, Outcome.CANCELLED)


def _row(connection: Connection, job_id: str) -> Row[Any]:
    row = rows.find(connection, jobs.c.id == job_id)
    if row is None:
        raise KeyError(job_id)
    return row
