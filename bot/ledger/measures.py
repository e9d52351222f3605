"""Figures over many jobs: how long a unit of work takes, how many jobs stand where. Changes nothing."""

from __future__ import annotations

from datetime import datetime
from statistics import median

from sqlalchemy import Connection, func, select

from bot.ledger.job import IN_FLIGHT, State
from bot.ledger.schema import jobs

_RECENT = 25


def seconds_per_cost(connection: Connection, model: str) -> float | None:
    """Median of seconds by cost over the latest pictures of `model`; None before the first."""
    drawn = (jobs.c.model == model, jobs.c.finished_at.is_not(None), jobs.c.seconds > 0, jobs.c.failure.is_(None))
    latest = select(jobs.c.seconds / jobs.c.cost).where(*drawn).order_by(jobs.c.finished_at.desc()).limit(_RECENT)
    figures = connection.execute(latest).scalars().all()
    return median(map(float, figures)) if figures else None


def counts(connection: Connection) -> dict[str, dict[State, int]]:
    """Open jobs by model and state; states with none are left out."""
    found: dict[str, dict[State, int]] = {}
    for state in State:
        if state is State.CLOSED:
            continue
        by_model = select(jobs.c.model, func.count()).where(jobs.c.state == state).group_by(jobs.c.model)
        for model, number in connection.execute(by_model):
            found.setdefault(model, {})[state] = number
    return found


def in_flight(connection: Connection, model: str) -> int:
    """Jobs of `model` on its queue or on a GPU."""
    flying = select(func.count()).where(jobs.c.state.in_(IN_FLIGHT), jobs.c.model == model)
    return connection.execute(flying).scalar_one()


def waiting_models(connection: Connection) -> list[str]:
    """Models that somebody waits for."""
    found: list[str] = []
    while True:
        # One step of the index per model, instead of one per job.
        beyond = select(func.min(jobs.c.model)).where(jobs.c.state == State.WAITING, jobs.c.model > (found or [""])[-1])
        model = connection.execute(beyond).scalar()
        if model is None:
            return found
        found.append(model)


def endings(connection: Connection, since: datetime) -> dict[str, int]:
    """How jobs ended that finished after `since`: by outcome, failed ones with their code; the most frequent first."""
    ended = select(jobs.c.outcome, jobs.c.failure, func.count()).where(
        jobs.c.state == State.CLOSED, jobs.c.finished_at >= since
    )
    rows = connection.execute(ended.group_by(jobs.c.outcome, jobs.c.failure).order_by(func.count().desc()))
    return {f"{outcome} {failure}" if failure else str(outcome): number for outcome, failure, number in rows}


def seconds_of_work(connection: Connection, model: str) -> float | None:
    """GPU-seconds that everything accepted for `model` and not yet drawn takes; None before the first measure."""
    pace = seconds_per_cost(connection, model)
    undone = select(func.coalesce(func.sum(jobs.c.cost), 0.0)).where(
        jobs.c.model == model, jobs.c.state.in_((State.WAITING, *IN_FLIGHT))
    )
    return None if pace is None else pace * float(connection.execute(undone).scalar_one())
