"""What a member drew before, found by words, model, age, favourites and page; and what a picture came from.

Declines to know how it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, String, func, literal, or_, select

from bot.ledger import rows
from bot.ledger.job import Generation, Job, Outcome
from bot.ledger.schema import favourites, jobs

PAGE = 8
"""Jobs; their lines, links included, fit into one message."""
_KEPT = (Outcome.DELIVERED, Outcome.UNDELIVERABLE)
_NO_PICTURE = (Outcome.FAILED, Outcome.CANCELLED)
_OF_WORDS = ("rewrite", "describe")
_DEEPEST = 5000
"""Generations that are counted: more is no member's work, and a walk has to end."""


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


def search(connection: Connection, wanted: Search, page: int, size: int = PAGE) -> tuple[list[Job], int]:
    """Return one page of finished jobs, the newest first, and how many there are in all. Pages count from 1."""
    of_member = select(favourites.c.job_id).where(favourites.c.user_id == wanted.user_id)
    clauses = [
        # A favourite may be somebody else's picture.
        jobs.c.id.in_(of_member) if wanted.favourites else jobs.c.user_id == wanted.user_id,
        jobs.c.guild_id.is_(None) if wanted.guild_id is None else jobs.c.guild_id == wanted.guild_id,
        jobs.c.outcome.in_(_KEPT),
        *map(_says, wanted.words),
    ]
    if wanted.model is not None:
        clauses.append(jobs.c.model == wanted.model)
    if wanted.since is not None:
        clauses.append(jobs.c.created_at >= wanted.since)
    if wanted.until is not None:
        clauses.append(jobs.c.created_at < wanted.until)
    total = connection.execute(select(func.count()).select_from(jobs).where(*clauses)).scalar_one()
    newest = select(jobs).where(*clauses).order_by(jobs.c.seq.desc()).limit(size).offset(size * (page - 1))
    return rows.as_jobs(connection.execute(newest)), total


def _says(word: str) -> ColumnElement[bool]:
    """Whether a word stands in the prompt, or in what the member wrote for it."""
    worded = jobs.c.request["prompt"].as_string().icontains(word, autoescape=True)
    return or_(worded, jobs.c.asked.icontains(word, autoescape=True))


def lineage(connection: Connection, job_id: str, nearest: int) -> list[Generation]:
    """The job and what its picture came from, the latest first: the `nearest` of them, and the very first one.

    What ended without a picture, or in words, is no generation; what was forgotten ends the chain.
    """
    walk = (
        select(jobs.c.id, jobs.c.parent_id, literal(0).label("step"))
        .where(jobs.c.id == job_id)
        .cte("lineage", recursive=True)
    )
    older = select(jobs.c.id, jobs.c.parent_id, walk.c.step + 1)
    walk = walk.union_all(older.where(jobs.c.id == walk.c.parent_id, walk.c.step < _DEEPEST))
    kind = func.coalesce(jobs.c.request["kind"].as_string(), literal("render", String))
    drawn = (
        select(jobs.c.id)
        .join(walk, walk.c.id == jobs.c.id)
        .where(func.coalesce(jobs.c.outcome, "").not_in(_NO_PICTURE), kind.not_in(_OF_WORDS))
        .order_by(walk.c.step)
    )
    ids = list(connection.execute(drawn).scalars())
    numbers = {one: len(ids) - index for index, one in enumerate(ids)}
    shown = {*ids[:nearest], *ids[-1:]}
    found = rows.find_all(connection, jobs.c.id.in_(shown))
    return sorted((Generation(numbers[job.id], job) for job in found), key=lambda one: -one.number)
