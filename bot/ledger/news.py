"""What an event changes in a job's row. Told twice, late or out of order, an event changes nothing twice.

Owns the rules: CLOSED is final; events of fence attempts that gave up do not move the job; a result counts wherever
the job stands, because the fence accepts only one. Declines to know where events come from.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from bot.ledger import holdings, quota, rewrites, rows, turns
from bot.ledger.acceptance import close, wait_again
from bot.ledger.allowance import Usage
from bot.ledger.job import IN_FLIGHT, Job, Outcome, State
from bot.ledger.schema import jobs
from bot.ledger.sightings import Sighting
from worker.contract import (
    Delivered,
    Event,
    Finished,
    Progress,
    Released,
    RenderResult,
    Rewritten,
    Started,
    Stopped,
    Undeliverable,
)

_NOT_FINISHED = (State.REWRITING, State.WAITING, *IN_FLIGHT)


def apply(connection: Connection, event: Event, result: RenderResult | None) -> Job | None:
    """Write what `event` says and return the job; `result` is the one the fence holds now, if any. None: old news."""
    row = rows.find(connection, jobs.c.id == event.job_id)
    if row is None:
        return None
    if row.state == State.CLOSED:
        return _after_the_end(connection, row, event)
    match event:
        case Started():
            return _start(connection, row, event.attempt)
        case Progress():
            return _go_on(connection, row, event.attempt)
        case Rewritten():
            return rewrites.go_on(connection, row, event)
        case Released():
            return _release(connection, row, event)
        case Stopped():
            return _stop(connection, row)
        case Finished():
            return None if result is None else finish(connection, row, result)
        case Delivered() | Undeliverable():
            return _deliver(connection, row, event, result)


def finish(connection: Connection, row: Row[Any], result: RenderResult) -> Job | None:
    """Keep the accepted result; only its message is missing now. None: it is kept already."""
    document = result.model_dump(mode="json")
    if row.state == State.DELIVERING and row.result == document:
        return None
    # A hosted model's seconds are nobody's share of a GPU.
    is_hosted = row.model == rows.HOSTED or row.state == State.REWRITING
    charged = 0.0 if is_hosted else turns.settle(connection, row, result.seconds)
    # A failure costs its member nothing: neither the model's nor the screens' No is their doing.
    cost = Usage(round(1000 * charged), len(result.pictures)) if result.failure is None else Usage()
    quota.settle(connection, row.id, cost)
    holdings.note(connection, row.id, document)
    return rows.change(
        connection,
        row.id,
        state=State.DELIVERING,
        request=_drawn(row.request, result),
        result=document,
        seconds=result.seconds,
        failure=result.failure,
        charged_s=charged,
        finished_at=row.finished_at or rows.now(),
        fence_floor=max(row.fence_floor, result.attempt),
        cancel_requested=False,
    )


def _drawn(request: dict[str, Any], result: RenderResult) -> dict[str, Any]:
    """The request as it was drawn: whatever is made from it later starts from the rewritten words, never rewrites."""
    return request if result.prompt is None else {**request, "prompt": result.prompt, "upsample": "none"}


def requeue(connection: Connection, seen: Sighting, *, forgets_attempts: bool) -> Job | None:
    """Run a job again that Redis does not know, or end it if that is what the member wished.

    `forgets_attempts`: Redis lost its memory, and its fence counts from one again. None: the job has moved since it
    was `seen`, so whatever was concluded of it no longer holds.
    """
    row = rows.find(connection, jobs.c.id == seen.job.id)
    if row is None or (row.state, row.attempt, row.fence_floor) != (seen.job.state, seen.job.attempt, seen.fence_floor):
        return None
    if row.cancel_requested:
        return close(connection, row, Outcome.CANCELLED)
    # Whoever held the lease gave it up unheard: its late events must not move the run that comes now.
    heard = row.fence_floor + 1 if row.state == State.RUNNING else row.fence_floor
    floor = 0 if forgets_attempts else heard
    return wait_again(connection, row, fence_floor=floor, started_at=None)


def _start(connection: Connection, row: Row[Any], attempt: int) -> Job | None:
    if row.state not in _NOT_FINISHED or attempt < row.fence_floor:
        return None
    if row.state == State.RUNNING and attempt == row.fence_floor:
        return None
    if row.state == State.REWRITING:
        return rows.change(connection, row.id, fence_floor=attempt, started_at=rows.now())
    return rows.change(connection, row.id, state=State.RUNNING, fence_floor=attempt, started_at=rows.now())


def _go_on(connection: Connection, row: Row[Any], attempt: int) -> Job | None:
    if row.state == State.RUNNING and attempt == row.fence_floor:
        return rows.as_job(row)
    return _start(connection, row, attempt)


def _release(connection: Connection, row: Row[Any], event: Released) -> Job | None:
    if event.attempt < row.fence_floor:
        return None
    # A result whose pictures are gone from the blobs was taken back; nothing else moves a finished job.
    if row.state == State.DELIVERING and event.reason != "blob_missing":
        return None
    gone: dict[str, Any] = {"fence_floor": event.attempt + 1, "started_at": None}
    if row.state == State.WAITING:
        return rows.change(connection, row.id, **gone)
    if row.cancel_requested:
        return close(connection, row, Outcome.CANCELLED)
    return wait_again(connection, row, result=None, seconds=None, failure=None, finished_at=None, **gone)


def _stop(connection: Connection, row: Row[Any]) -> Job | None:
    # The fence lets a job be stopped or finished, never both, so the attempt does not matter here.
    return close(connection, row, Outcome.CANCELLED) if row.state in _NOT_FINISHED else None


def _deliver(
    connection: Connection, row: Row[Any], event: Delivered | Undeliverable, result: RenderResult | None
) -> Job | None:
    if result is not None:
        # The news of the result itself may have been lost.
        finish(connection, row, result)
        row = rows.find(connection, jobs.c.id == row.id) or row
    if isinstance(event, Undeliverable):
        # A failure holds no picture to be kept for /jobs: the status message says why.
        outcome = Outcome.UNDELIVERABLE if row.failure is None else Outcome.FAILED
        return close(connection, row, outcome, undeliverable_code=event.code)
    outcome = Outcome.DELIVERED if row.failure is None else Outcome.FAILED
    return close(connection, row, outcome, result_channel_id=event.channel_id, result_message_id=event.message_id)


def _after_the_end(connection: Connection, row: Row[Any], event: Event) -> Job | None:
    # The outcome stands; but a message that is there after all should be found by a reply to it.
    if isinstance(event, Delivered) and row.result_message_id is None:
        rows.change(connection, row.id, result_channel_id=event.channel_id, result_message_id=event.message_id)
    return None
