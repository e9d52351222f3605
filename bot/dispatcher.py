"""Sends waiting jobs to the workers: as late as possible, in the ledger's order, each exactly as often as needed.

Each model's queue holds one job more than there are GPUs, so that a GPU never waits for us and nearly every job's turn
can still change. Declines to know the order (bot/ledger/turns.py) and RQ (bot/queue.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from enum import StrEnum

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot.fleet import Fleet
from bot.ledger.job import IN_FLIGHT, Job, Outcome, State
from bot.ledger.ledger import Ledger
from bot.queue import WorkQueue

_log = logging.getLogger(__name__)

_LOOK_S = 1.0
"""Seconds between two looks without a wake: workers come and go unannounced."""
_IDLE_LOOK_S = 5.0
"""The same while nobody waits: the first ETA needs to know the GPUs."""
_SPARE = 1
_FENCE_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0


class CancelResult(StrEnum):
    """What a wish to cancel did."""

    DROPPED = "dropped"
    """It never ran, and never will."""
    STOPPING = "stopping"
    TOO_LATE = "too_late"


class Dispatcher:
    """Dispatches for one ledger. `run` it as a task; `wake` it whenever there may be something to do."""

    def __init__(
        self,
        ledger: Ledger,
        fleet: Fleet,
        queue: WorkQueue,
        *,
        max_running_per_member: int,
        queue_moved: Callable[[], Awaitable[None]],
    ) -> None:
        """`queue_moved` is called after every dispatch, and when a job leaves the queue otherwise."""
        self._ledger = ledger
        self._fleet = fleet
        self._queue = queue
        self._cap = max_running_per_member
        self._queue_moved = queue_moved
        self._woken = asyncio.Event()
        self._next_look = 0.0

    def wake(self) -> None:
        """Look at the queue soon."""
        self._woken.set()

    async def moved(self) -> None:
        """A job left a GPU or the queue: look soon, and let whoever shows places know."""
        self.wake()
        await self._queue_moved()

    async def run(self) -> None:
        """Dispatch until cancelled."""
        pause = _FIRST_PAUSE_S
        while True:
            self._woken.clear()
            try:
                await self.dispatch()
                pause = _FIRST_PAUSE_S
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("nothing can be dispatched (%s); again in %.1f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            except Exception:  # noqa: BLE001 - task boundary: one job that breaks us must not end dispatching for good
                _log.exception("nothing can be dispatched")
                await asyncio.sleep(_LONGEST_PAUSE_S)
                continue
            # Not wait_for: before Python 3.12 it loses a cancel that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()

    async def dispatch(self) -> int:
        """Fill the queues once and return how many jobs were sent. Raises redis.RedisError; nothing is lost then."""
        if await self._ledger.wants_rewrites() and await self._ledger.paused() is None:
            await self._rewrite()
        models = await self._ledger.waiting_models()
        if not models and time.monotonic() < self._next_look:
            return 0
        gpus = await self._fleet.gpus_by_model()
        self._next_look = time.monotonic() + _IDLE_LOOK_S
        self._ledger.set_gpus(gpus)
        if await self._ledger.paused() is not None:
            return 0
        sent = 0
        for model in models:
            if gpus.get(model, 0):
                sent += await self._fill(model, gpus[model] + _SPARE)
        if sent:
            await self._queue_moved()
        return sent

    async def _rewrite(self) -> None:
        for job in await self._ledger.pick_rewrites():
            try:
                await self._queue.rewrite(job)
            except BaseException:
                await asyncio.shield(self._ledger.unpick_rewrite(job))
                raise
            _log.info("job %s sent to be worded, attempt %d", job.id, job.attempt)

    async def _fill(self, model: str, depth: int) -> int:
        room = depth - await self._ledger.in_flight(model)
        for sent in range(room):
            job = await self._ledger.pick(model, self._cap)
            if job is None:
                return sent
            await self._send(job)
        return max(room, 0)

    async def _send(self, job: Job) -> None:
        try:
            await self._queue.render(job)
        except BaseException:
            # Also when the bot stops right here: shielded, so that the job waits again rather than for the reconciler.
            await asyncio.shield(self._ledger.unpick(job))
            raise
        _log.info("job %s dispatched to %s, attempt %d", job.id, job.request.model, job.attempt)

    async def cancel(self, job_id: str) -> CancelResult:
        """Cancel a job wherever it is. Raises KeyError for a job nobody accepted.

        The wish is committed first: what Redis cannot be told now, the reconciler tells it later.
        """
        before = await self._ledger.get(job_id)
        if before is None:
            raise KeyError(job_id)
        if before.state is State.WAITING and not await self._fence_off(before):
            return CancelResult.TOO_LATE
        job = await self._ledger.request_cancel(job_id)
        if job.state in (State.REWRITING, *IN_FLIGHT):
            return await self._stop_or_leave(job)
        if job.outcome is not Outcome.CANCELLED or before.state is State.CLOSED:
            return CancelResult.TOO_LATE
        await self.moved()
        return CancelResult.DROPPED

    async def _stop_or_leave(self, job: Job) -> CancelResult:
        try:
            return await self.stop(job)
        except RedisError as error:
            _log.warning("job %s: Redis cannot be told of the cancel yet (%s)", job.id, error)
            return CancelResult.STOPPING

    async def _fence_off(self, job: Job) -> bool:
        # A waiting job may have a copy on the queue whose reply was lost, or an earlier run that is not dead after all.
        try:
            async with asyncio.timeout(_FENCE_S):
                return await self._queue.cancel(job.id)
        except (RedisError, TimeoutError):
            _log.warning("job %s: the reconciler will tell Redis of the cancel", job.id)
            return True

    async def stop(self, job: Job) -> CancelResult:
        """Carry out the wish to cancel a job in flight. Raises redis.RedisError. May be repeated."""
        if not await self._queue.cancel(job.id):
            await self._ledger.withdraw_cancel(job.id)
            return CancelResult.TOO_LATE
        if not await self._queue.withdraw(job):
            return CancelResult.STOPPING
        closed = await self._ledger.drop(job.id)
        await self.moved()
        return CancelResult.DROPPED if closed.outcome is Outcome.CANCELLED else CancelResult.TOO_LATE
