"""What a member drew before, found by words, model, age, favourites and page; and what a picture came from.

Declines to know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.ledger import rows
from bot.ledger.job import Job, Outcome
from bot.ledger.schema import favourites, jobs

PAGE = 8
"""Jobs; their lines, links included, fit into one message."""
GENERATIONS = 20
"""Of a longer chain only the latest are told."""
_KEPT = (Outcome.DELIVERED, Outcome.UNDELIVERABLE)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for; None where anything will do. Every one of `words` is in the prompt, in any case."""

    user_id: int
    guild_id: int | None
    words: tuple[str, ...] = ()
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    favourites: bool = False


def search(connection: Connection, wanted: Search, page: int) -> tuple[list[Job], int]:
    """Return one page of finished jobs, the newest first, and how many there are in all. Pages count from 1."""
    of_member = select(favourites.c.job_id).where(favourites.c.user_id == wanted.user_id)
    clauses = [
        # A favourite may be somebody else's picture.
        jobs.c.id.in_(of_member) if wanted.favourites else jobs.c.user_id == wanted.user_id,
        jobs.c.guild_id.is_(None) if wanted.guild_id is None else jobs.c.guild_id == wanted.guild_id,
        jobs.c.outcome.in_(_KEPT),
        *(jobs.c.request["prompt"].as_string().icontains(word, autoescape=True) for word in wanted.words),
    ]
    if wanted.model is not None:
        clauses.append(jobs.c.model == wanted.model)
    if wanted.since is not None:
        clauses.append(jobs.c.created_at >= wanted.since)
    if wanted.until is not None:
        clauses.append(jobs.c.created_at < wanted.until)
    total = connection.execute(select(func.count()).select_from(jobs).where(*clauses)).scalar_one()
    newest = select(jobs).where(*clauses).order_by(jobs.c.seq.desc()).limit(PAGE).offset(PAGE * (page - 1))
    return rows.as_jobs(connection.execute(newest)), total


def ancestors(connection: Connection, job: Job) -> list[Job]:
    """The jobs this one came from, the nearest first, at most GENERATIONS of them."""
    found: list[Job] = []
    parent_id = job.parent_id
    while parent_id is not None and len(found) < GENERATIONS:
        row = rows.find(connection, jobs.c.id == parent_id)
        if row is None:
            break
        found.append(rows.as_job(row))
        parent_id = row.parent_id
    return found
