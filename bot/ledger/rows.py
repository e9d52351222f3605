"""Rows of the jobs table as values, and single jobs by what they are known by. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from bot.ledger.job import Job, NewJob, Outcome, Reach, State, Status
from bot.ledger.schema import jobs
from flux2.request import GenerationRequest
from flux2.screening.policy import UNRULED, Policy
from flux2.upscaling.request import UpscaleRequest
from worker.contract import REQUEST, Destination, FailureCode, RenderResult, Skeleton, asks_api

WEIGHTS = (4, 2, 1)
"""Shares of the GPU for jobs of high, normal and low priority, while all three wait."""

HOSTED = "openrouter"
"""Stands for a model where only a hosted language model answers, so that its seconds are no GPU's."""


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def weight(priority: int) -> int:
    """The weight class of a priority."""
    return WEIGHTS[0] if priority > 0 else WEIGHTS[1] if priority == 0 else WEIGHTS[2]


def queue_of(job: NewJob) -> str:
    """The model whose GPUs the job waits for, by name; HOSTED for one that needs none."""
    is_drawn = isinstance(job.request, GenerationRequest | UpscaleRequest)
    return HOSTED if asks_api(job.request) and not is_drawn else job.request.model


def new_row(job: NewJob) -> dict[str, Any]:
    """The first row of an accepted job."""
    return {
        "id": job.id,
        "idempotency_key": job.idempotency_key,
        "source": job.source,
        "parent_id": job.parent_id,
        "user_id": job.user_id,
        "guild_id": job.guild_id,
        "channel_id": job.channel_id,
        "model": queue_of(job),
        "cost": job.request.cost,
        "priority": job.priority,
        "weight": weight(job.priority),
        "state": State.REWRITING if asks_api(job.request) else State.WAITING,
        "is_placed": False,
        "cancel_requested": False,
        "attempt": 0,
        "fence_floor": 0,
        "charged_s": 0.0,
        "created_at": now(),
        "deliveries": 0,
        "is_status_final": False,
        "is_swept": False,
        "request": job.request.model_dump(mode="json"),
        "asked": job.asked or None,
        "notes": list(job.notes),
        "skeleton": job.skeleton.model_dump(mode="json"),
        "status": status_document(job.status),
        "policy": None if job.policy == UNRULED else job.policy.model_dump(mode="json", exclude_defaults=True),
    }


def as_job(row: Row[Any]) -> Job:
    """The value of a whole row."""
    result = as_result(row)
    return Job(
        id=row.id,
        idempotency_key=row.idempotency_key,
        source=row.source,
        parent_id=row.parent_id,
        user_id=row.user_id,
        guild_id=row.guild_id,
        channel_id=row.channel_id,
        request=REQUEST.validate_python(row.request),
        asked=row.asked or "",
        notes=tuple(row.notes),
        skeleton=Skeleton.model_validate(row.skeleton),
        policy=UNRULED if row.policy is None else Policy.model_validate(row.policy),
        priority=row.priority,
        state=State(row.state),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        destination=None if row.destination is None else Destination.model_validate(row.destination),
        status=None if row.status is None else _as_status(row.status),
        attempt=row.attempt,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        seconds=row.seconds,
        failure=None if row.failure is None else FailureCode(row.failure),
        pictures=() if result is None else result.pictures,
        words=None if result is None else result.words,
        result_channel_id=row.result_channel_id,
        result_message_id=row.result_message_id,
        cancel_requested=row.cancel_requested,
        undeliverable_code=row.undeliverable_code,
    )


def as_result(row: Row[Any]) -> RenderResult | None:
    """The accepted result of a row."""
    return None if row.result is None else RenderResult.model_validate(row.result)


def status_document(status: Status | None) -> dict[str, Any] | None:
    """A status as JSON."""
    if status is None:
        return None
    expires = status.token_expires_at
    return {
        "channel_id": status.channel_id,
        "message_id": status.message_id,
        "interaction_token": status.interaction_token,
        "token_expires_at": None if expires is None else expires.astimezone(UTC).isoformat(),
        "application_id": status.application_id,
        "reach": status.reach,
    }


def _as_status(document: dict[str, Any]) -> Status:
    expires = document["token_expires_at"]
    read = {
        "token_expires_at": None if expires is None else datetime.fromisoformat(expires),
        "reach": Reach(document.get("reach", Reach.CHANNEL)),
    }
    return Status(**{**document, **read})


def find(connection: Connection, *clauses: ColumnElement[bool]) -> Row[Any] | None:
    """The whole row that meets `clauses`, if there is one."""
    return connection.execute(select(jobs).where(*clauses)).one_or_none()


def find_all(connection: Connection, *clauses: ColumnElement[bool]) -> list[Job]:
    """The jobs that meet `clauses`, in the order of their acceptance."""
    return as_jobs(connection.execute(select(jobs).where(*clauses).order_by(jobs.c.seq)))


def as_jobs(rows: Iterable[Row[Any]]) -> list[Job]:
    """The values of whole rows."""
    return [as_job(row) for row in rows]


def change(connection: Connection, job_id: str, **values: Any) -> Job:
    """Write `values` into the job's row and return what it is now. Raises KeyError for a job nobody accepted."""
    if values:
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))
    row = find(connection, jobs.c.id == job_id)
    if row is None:
        raise KeyError(job_id)
    return as_job(row)
