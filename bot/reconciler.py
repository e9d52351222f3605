"""Compares the ledger with Redis every few seconds and mends what fell between them. The ledger is right.

Rules: an open job beyond waiting is known to Redis by its lease, by its entry on a queue, or by its result; one that
is not known twice in a row, GRACE_S apart, runs again or is delivered again. Ages are our own monotonic clock's and
leases expire by Redis's, so no host's wall clock matters. Declines to know how to render or deliver.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import timedelta

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot.admission import channel_itself
from bot.dispatcher import Dispatcher
from bot.events import News
from bot.ledger.job import Job, Outcome, State
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.ledger.sightings import Sighting
from bot.queue import WorkQueue
from bot.traces import Trace, Traces, Whereabouts
from worker.contract import Delivered, Finished, Released, Stopped

_log = logging.getLogger(__name__)

GRACE_S = 5.0
"""Between two looks that must agree. With the lease's 20 s and an interval of 15 s, a dead host costs 40 s."""
POPPED_GRACE_S = 10.0
"""A worker that popped a render takes the lease at once; one that has not by then died between the two."""
DELIVERING_GRACE_S = 60.0
"""A delivery that was begun: its own limits end it well before. Delivering twice is harmless, but not free."""
_UNPLACED_AFTER = timedelta(seconds=30)
"""Longer than any thread takes to open, or to be given up."""

_Suspect = tuple[str, State, int, int, int, Whereabouts]


class Reconciler:
    """Reconciles one ledger with one Redis. `run` it as a task; `wake` it when something was heard to be wrong."""

    def __init__(
        self,
        ledger: Ledger,
        queue: WorkQueue,
        news: News,
        dispatcher: Dispatcher,
        *,
        interval_s: float,
        grace_s: float = GRACE_S,
    ) -> None:
        """`grace_s` shortens every grace in proportion."""
        self._ledger = ledger
        self._queue = queue
        self._traces = Traces(queue)
        self._news = news
        self._dispatcher = dispatcher
        self._interval_s = interval_s
        self._grace_s = grace_s
        self._suspected: dict[_Suspect, float] = {}
        self._still_suspected: set[_Suspect] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.reconcile()
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("the ledger and Redis cannot be compared (%s)", error)
            except Exception:  # noqa: BLE001 - task boundary: what breaks one look must not end all looking
                _log.exception("the ledger and Redis cannot be compared")
            pause = min(self._interval_s, self._grace_s) if self._suspected else self._interval_s
            # Not wait_for: before Python 3.12 it loses a cancel that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def reconcile(self) -> None:
        """Look once. Raises redis.RedisError and SQLAlchemyError; what is mended by then stays mended."""
        await self._place()
        self._still_suspected = set()
        seen = await self._ledger.sightings()
        for sighting, trace in zip(seen, await self._traces.look(seen), strict=True):
            await self._mend_alone(sighting, trace)
        self._suspected = {key: since for key, since in self._suspected.items() if key in self._still_suspected}
        await self._sweep()

    async def _place(self) -> None:
        for job in await self._ledger.unplaced(_UNPLACED_AFTER):
            _log.warning("job %s got no destination; its result goes to channel %d", job.id, job.channel_id)
            await self._ledger.set_destination(job.id, channel_itself(job), job.status)
            self._dispatcher.wake()

    async def _mend_alone(self, seen: Sighting, trace: Trace) -> None:
        try:
            await self._mend(seen, trace)
        except (RedisError, SQLAlchemyError, OSError):
            raise
        except Exception:  # noqa: BLE001 - one job that breaks us must not leave all those after it unmended
            _log.exception("job %s cannot be mended", seen.job.id)

    async def _mend(self, seen: Sighting, trace: Trace) -> None:
        job = seen.job
        if not trace.has_job:
            # Redis lost its memory. A worker that still holds the job may go on once this is back.
            await self._queue.write_job(job)
        if trace.message is not None:
            posted = trace.message
            await self._news.apply(Delivered(job_id=job.id, channel_id=posted.channel_id, message_id=posted.message_id))
        elif job.state is State.DELIVERING:
            await self._mend_delivery(seen, trace)
        elif trace.result is not None:
            result = trace.result
            await self._news.apply(
                Finished(job_id=job.id, attempt=result.attempt, seconds=result.seconds, failure=result.failure)
            )
        else:
            await self._mend_run(seen, trace)

    async def _mend_run(self, seen: Sighting, trace: Trace) -> None:
        job = seen.job
        if job.cancel_requested and (trace.entry is Whereabouts.QUEUED or not trace.is_cancelled):
            await self._dispatcher.stop(job)
            return
        if trace.is_leased or trace.entry is Whereabouts.QUEUED:
            return
        popped = trace.entry is Whereabouts.POPPED and job.state is State.DISPATCHED
        if not self._is_overdue(seen, trace, POPPED_GRACE_S if popped else GRACE_S):
            return
        # Off RQ's lists first: its own clean-up would bring the entry back a second time.
        await self._queue.withdraw(job)
        again = await self._ledger.requeue(seen, forgets_attempts=not trace.has_run)
        if again is not None:
            await self._tell_requeued(again, seen.fence_floor)

    async def _tell_requeued(self, job: Job, attempt: int) -> None:
        _log.warning("job %s was not known to Redis; it is %s now", job.id, job.outcome or job.state)
        if job.state is State.CLOSED:
            await self._news.tell(job, Stopped(job_id=job.id, attempt=attempt))
        else:
            await self._news.tell(job, Released(job_id=job.id, attempt=attempt, reason="died", charged=True))

    async def _mend_delivery(self, seen: Sighting, trace: Trace) -> None:
        if trace.result is None:
            # One that was taken back on purpose is announced; only when nobody says so was it forgotten.
            if not trace.has_run or self._is_overdue(seen, trace, DELIVERING_GRACE_S):
                await self._restore(seen)
            return
        if trace.deliver_in_s > 0 or trace.entry is Whereabouts.QUEUED:
            return
        begun = trace.entry is Whereabouts.POPPED
        if not self._is_overdue(seen, trace, DELIVERING_GRACE_S if begun else GRACE_S):
            return
        number = await self._ledger.next_delivery(seen)
        if number is not None:
            _log.warning("job %s has a result and nobody delivers it; delivery %d", seen.job.id, number)
            await self._queue.deliver(seen.job, number)

    async def _restore(self, seen: Sighting) -> None:
        if seen.result is None:
            return
        _log.warning("job %s: Redis forgot its result; it is put back", seen.job.id)
        age = now() - (seen.job.finished_at or seen.job.created_at)
        await self._traces.restore(seen.result, age.total_seconds())

    def _is_overdue(self, seen: Sighting, trace: Trace, grace_s: float) -> bool:
        job = seen.job
        key = (job.id, job.state, job.attempt, seen.fence_floor, seen.deliveries, trace.entry)
        self._still_suspected.add(key)
        since = self._suspected.setdefault(key, time.monotonic())
        return time.monotonic() - since >= grace_s * self._grace_s / GRACE_S

    async def _sweep(self) -> None:
        closed = await self._ledger.unswept()
        if not closed:
            return
        for job in closed:
            if job.outcome is Outcome.CANCELLED:
                # The flag may never have reached Redis; no late run may post what was cancelled.
                await self._queue.cancel(job.id)
                await self._queue.withdraw(job)
        ids = [job.id for job in closed]
        await self._traces.forget(ids)
        await self._ledger.mark_swept(ids)
