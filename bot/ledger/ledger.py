"""The ledger: what the rest of the bot asks and tells it. Every telling is one committed transaction.

Two audiences: those who speak with members (accept, place, look up) and those who move jobs (pick, apply, requeue).
The work itself stands in the modules beside this one; declines to know Discord and Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, select

from bot.ledger import acceptance, facts, history, measures, news, rewrites, rows, sightings
from bot.ledger.database import Database
from bot.ledger.facts import Pause
from bot.ledger.favourites import Favourites
from bot.ledger.forgetting import Forgetting
from bot.ledger.governance import Governance
from bot.ledger.history import PAGE, Search
from bot.ledger.job import OPEN, Caps, Generation, Job, NewJob, Outcome, Place, State, Status
from bot.ledger.presets import Shelf
from bot.ledger.schema import jobs
from bot.ledger.shown import Shown
from bot.ledger.sightings import Sighting
from bot.ledger.standing import Standings
from bot.ledger.trays import Trays
from worker.contract import Destination, Event, RenderResult

_T = TypeVar("_T")
_HISTORY = 25


class Ledger:
    """An open ledger. One process writes it at a time; `close` it before the loop ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.shelf = Shelf(database)
        self.favourites = Favourites(database)
        self.trays = Trays(database)
        self.shown = Shown(database)
        self._standings = Standings(database)
        self.governance = Governance(database)
        self.forgetting = Forgetting(database)
        self._pace: dict[str, float | None] = {}

    @classmethod
    async def open(cls, url: str) -> Ledger:
        """Open and migrate the database at an async SQLAlchemy `url`. Raises LedgerUnusable with one sentence."""
        return cls(await Database.open(url))

    async def close(self) -> None:
        """Close every connection."""
        await self._database.close()

    # For those who speak with members.

    async def accept(self, job: NewJob, caps: Caps) -> Job:
        """Commit a new waiting job. It is not picked before `set_destination`.

        Raises AlreadyAccepted for an idempotency key seen before, MemberCapReached, GuildCapReached and QuotaReached.
        """
        return await self._move(lambda connection: acceptance.accept(connection, job, caps))

    async def set_destination(self, job_id: str, destination: Destination, status: Status | None) -> None:
        """Store where the result goes and which message tells of the job; from now on it may be picked."""
        await self._move(lambda connection: acceptance.place(connection, job_id, destination, status))

    async def get(self, job_id: str) -> Job | None:
        """Return the job."""
        return _first(await self._find(jobs.c.id == job_id))

    async def by_result_message(self, message_id: int) -> Job | None:
        """Return the job whose pictures that message carries."""
        return _first(await self._find(jobs.c.result_message_id == message_id))

    async def open_jobs_of(self, user_id: int, guild_id: int | None = None) -> list[Job]:
        """A member's open jobs, oldest first; in one server, or everywhere."""
        where = [jobs.c.user_id == user_id, jobs.c.state.in_(OPEN)]
        return await self._find(*where, *([] if guild_id is None else [jobs.c.guild_id == guild_id]))

    async def search(self, wanted: Search, page: int, size: int = PAGE) -> tuple[list[Job], int]:
        """One page of finished jobs, the newest first, and how many there are in all."""
        return await self._database.read(lambda connection: history.search(connection, wanted, page, size))

    async def lineage(self, job_id: str, nearest: int) -> list[Generation]:
        """A picture and what it came from, the latest first: the `nearest` of them, and the very first one."""
        return await self._database.read(lambda connection: history.lineage(connection, job_id, nearest))

    async def undelivered_of(self, user_id: int) -> list[Job]:
        """A member's pictures that Discord did not let us post, newest first."""
        of_member = select(jobs).where(jobs.c.user_id == user_id, jobs.c.state == State.CLOSED)
        kept = of_member.where(jobs.c.outcome == Outcome.UNDELIVERABLE).order_by(jobs.c.seq.desc()).limit(_HISTORY)
        return await self._database.read(lambda connection: rows.as_jobs(connection.execute(kept)))

    async def place(self, job_id: str) -> Place | None:
        """Where a job stands among those of its model that have not begun; None once it has."""
        return await self._standings.place(job_id)

    async def open_jobs(self) -> list[Job]:
        """Every job without an outcome, oldest first."""
        return await self._find(jobs.c.state.in_(OPEN))

    async def unfinished_statuses(self) -> list[Job]:
        """Closed jobs whose status message does not say so yet."""
        return await self._find(jobs.c.state == State.CLOSED, jobs.c.is_status_final.is_(False))

    async def status_finished(self, job_id: str) -> None:
        """Note that the last edit of the status message was made."""
        await self._write(lambda connection: rows.change(connection, job_id, is_status_final=True))

    async def counts(self) -> dict[str, dict[State, int]]:
        """Open jobs by model and state."""
        return await self._database.read(measures.counts)

    async def seconds_per_cost(self, model: str) -> float | None:
        """Seconds the latest pictures took, by cost; None before the first."""
        if model not in self._pace:
            self._pace[model] = await self._database.read(lambda it: measures.seconds_per_cost(it, model))
        return self._pace[model]

    async def paused(self) -> str | None:
        """Why nothing is dispatched; None while things are."""
        pause = await self.pause()
        return None if pause is None else pause.reason

    async def pause(self) -> Pause | None:
        """Why, since when and by whom nothing is dispatched."""
        return await self._database.read(facts.pause)

    async def set_paused(self, reason: str | None, by: int) -> None:
        """Stop dispatching for `reason`, or go on."""
        await self._write(lambda connection: facts.set_pause(connection, reason, by))

    async def command_hash(self) -> str | None:
        """Hash of the command set Discord has."""
        return await self._database.read(facts.command_hash)

    async def set_command_hash(self, value: str) -> None:
        """Keep the hash of the command set that was synced."""
        await self._write(lambda connection: facts.set_command_hash(connection, value))

    # For those who move jobs.

    async def waiting_models(self) -> list[str]:
        """Models that somebody waits for."""
        return await self._database.read(measures.waiting_models)

    async def in_flight(self, model: str) -> int:
        """Jobs of `model` on its queue or on a GPU."""
        return await self._database.read(lambda connection: measures.in_flight(connection, model))

    def set_gpus(self, by_model: Mapping[str, int]) -> None:
        """Tell how many GPUs serve each model now; ETAs need it."""
        self._standings.set_gpus(by_model)

    async def pick(self, model: str, running_cap: int) -> Job | None:
        """Mark the next job of `model` as dispatched; members with `running_cap` jobs in flight are passed over."""
        pace = await self.seconds_per_cost(model)
        return await self._move(lambda connection: acceptance.pick(connection, model, running_cap, pace))

    async def unpick(self, job: Job) -> Job:
        """Put a picked job back that may not have reached Redis; see `bot.ledger.acceptance.unpick`."""
        return await self._move(lambda connection: acceptance.unpick(connection, job))

    async def set_priority(self, job_id: str, priority: int) -> bool:
        """Let a waiting job wait in another weight class. False: it has begun, or there is none."""
        return await self._move(lambda connection: acceptance.set_priority(connection, job_id, priority))

    async def pick_rewrites(self) -> list[Job]:
        """Mark jobs as sent to a hosted language model, the oldest first, as many as there is room for."""
        return await self._move(rewrites.pick)

    async def unpick_rewrite(self, job: Job) -> Job:
        """Put one back that may not have reached Redis; see `bot.ledger.rewrites.unpick`."""
        return await self._move(lambda connection: rewrites.unpick(connection, job))

    async def written_for(self, user_id: int) -> set[str]:
        """The words a member got lately from a language model."""
        return await self._database.read(lambda connection: rewrites.written_for(connection, user_id))

    async def wants_rewrites(self) -> bool:
        """Whether some job is still to be sent there."""
        return await self._database.read(rewrites.are_wanted)

    async def request_cancel(self, job_id: str) -> Job:
        """Close a waiting job, note the wish on one in flight, leave any other. Raises KeyError."""
        return await self._move(lambda connection: acceptance.request_cancel(connection, job_id))

    async def withdraw_cancel(self, job_id: str) -> Job:
        """Forget the wish: a result was accepted before it."""
        return await self._move(lambda connection: acceptance.withdraw_cancel(connection, job_id))

    async def drop(self, job_id: str) -> Job:
        """Close a cancelled job whose entry was taken off the queue before anybody ran it."""
        return await self._move(lambda connection: acceptance.drop(connection, job_id))

    async def cursor(self) -> str:
        """The last entry of the event stream that was applied."""
        return await self._database.read(facts.cursor)

    async def set_cursor(self, cursor: str) -> None:
        """Move in the event stream without applying anything."""
        await self._write(lambda connection: facts.set_cursor(connection, cursor))

    async def apply(self, event: Event, result: RenderResult | None, cursor: str | None = None) -> Job | None:
        """Apply an event and move the cursor, in one transaction. Returns the job, or None for old news.

        `result` is the one the fence holds now, if any; without it no event can finish a job.
        """

        def work(connection: Connection) -> Job | None:
            if cursor is not None:
                facts.set_cursor(connection, cursor)
            return news.apply(connection, event, result)

        job = await self._move(work)
        if job is not None and job.state is State.DELIVERING:
            self._pace.pop(job.request.model, None)
        return job

    async def sightings(self) -> list[Sighting]:
        """Every job that Redis ought to know."""
        return await self._database.read(sightings.sight)

    async def requeue(self, seen: Sighting, *, forgets_attempts: bool) -> Job | None:
        """Let a job run again that Redis does not know; see `bot.ledger.news.requeue`."""
        return await self._move(lambda it: news.requeue(it, seen, forgets_attempts=forgets_attempts))

    async def next_delivery(self, seen: Sighting) -> int | None:
        """Number the next deliver entry of a job; None if it has moved since."""
        return await self._write(lambda connection: sightings.next_delivery(connection, seen))

    async def unplaced(self, older_than: timedelta) -> list[Job]:
        """Waiting jobs that have had no destination for that long."""
        return await self._database.read(lambda connection: sightings.unplaced(connection, older_than))

    async def unswept(self) -> list[Job]:
        """Closed jobs that Redis was not told to forget."""
        return await self._database.read(sightings.unswept)

    async def mark_swept(self, job_ids: Sequence[str]) -> None:
        """Note that Redis was told."""
        await self._write(lambda connection: sightings.mark_swept(connection, job_ids))

    async def _find(self, *clauses: ColumnElement[bool]) -> list[Job]:
        return await self._database.read(lambda connection: rows.find_all(connection, *clauses))

    async def _write(self, work: Callable[[Connection], _T]) -> _T:
        return await self._database.write(work)

    async def _move(self, work: Callable[[Connection], _T]) -> _T:
        try:
            return await self._write(work)
        finally:
            self._standings.changed()


def _first(found: list[Job]) -> Job | None:
    return found[0] if found else None
