"""Jobs whose words come from a hosted language model first: sent there, back, and on to the waiting ones.

Owns the state REWRITING, in which nothing is charged and no GPU is wanted; a job in it was sent if it has a
`dispatched_at`. Each function is one transaction's work.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from bot.ledger import rows, turns
from bot.ledger.acceptance import close, wait_again
from bot.ledger.job import Job, Outcome, State
from bot.ledger.schema import jobs
from worker.contract import Rewritten

MAX_SENT = 8
"""Jobs on the io queue at a time: enough for its lanes, and the rest can still be cancelled here."""
_SOURCES = ("enhance", "describe")
_REMEMBERED = 25
_UNSENT = (jobs.c.state == State.REWRITING, jobs.c.dispatched_at.is_(None))


def pick(connection: Connection) -> list[Job]:
    """Mark the oldest placed jobs as sent, as many as there is room for, and return them."""
    sent = select(func.count()).where(jobs.c.state == State.REWRITING, jobs.c.dispatched_at.is_not(None))
    room = MAX_SENT - connection.execute(sent).scalar_one()
    if room <= 0:
        return []
    oldest = select(jobs.c.id).where(*_UNSENT, jobs.c.is_placed).order_by(jobs.c.seq).limit(room)
    return [
        rows.change(connection, job_id, attempt=jobs.c.attempt + 1, dispatched_at=rows.now())
        for job_id in connection.execute(oldest).scalars().all()
    ]


def are_wanted(connection: Connection) -> bool:
    """Whether some placed job is still to be sent."""
    return connection.execute(select(jobs.c.seq).where(*_UNSENT, jobs.c.is_placed).limit(1)).first() is not None


def written_for(connection: Connection, user_id: int) -> set[str]:
    """The words a member got lately, so that they are not written better once more."""
    asked = select(jobs.c.result).where(jobs.c.user_id == user_id, jobs.c.source.in_(_SOURCES))
    latest = connection.execute(asked.order_by(jobs.c.seq.desc()).limit(_REMEMBERED)).scalars()
    return {words for result in latest if result and (words := result.get("words"))}


def unpick(connection: Connection, job: Job) -> Job:
    """Undo the pick of a job that Redis may not have got; its number too, so that one that arrived is not doubled."""
    row = rows.find(connection, jobs.c.id == job.id)
    if row is None:
        raise KeyError(job.id)
    if row.state != State.REWRITING or row.attempt != job.attempt:
        return rows.as_job(row)
    if row.cancel_requested:
        return close(connection, row, Outcome.CANCELLED)
    return wait_again(connection, row, attempt=row.attempt - 1)


def go_on(connection: Connection, row: Row[Any], event: Rewritten) -> Job | None:
    """Let the job wait for its GPU, with the words that came back or its own. None: old news."""
    if row.state != State.REWRITING:
        return None
    if row.cancel_requested:
        return close(connection, row, Outcome.CANCELLED)
    request = {**row.request, "upsample": "none"}
    if event.prompt is not None:
        # A caption is not the member's own word on what the picture shows.
        request["caption" if request.get("kind") == "upscale" else "prompt"] = event.prompt
    turns.join(connection, model=row.model, weight=row.weight, user_id=row.user_id)
    return rows.change(
        connection,
        row.id,
        state=State.WAITING,
        request=request,
        notes=[*row.notes, *event.notes],
        fence_floor=event.attempt + 1,
        started_at=None,
        dispatched_at=None,
    )
