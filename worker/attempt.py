"""One attempt at one job, from the order to its end: keeps the lease, passes on progress, watches for hangs and wishes.

Owns what happens while the child runs. Declines to know the queue the job came from and what the end is worth: that is
the fence's, asked by `worker.gpu`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from redis.exceptions import RedisError

from worker.contract import HEARTBEAT_S, RenderResult
from worker.fence import Fence, Hold
from worker.pipe import Abandon, Cancelled, Done, Order, PipeClosed, Preview, Step
from worker.progress import Reporter
from worker.resident import Resident
from worker.watchdog import Limits, RunWatch

_log = logging.getLogger(__name__)

_TICK_S = 0.25


class End(StrEnum):
    """How an attempt ended. After DIED, STALLED, IGNORED and DRAINED there is no child any more."""

    DONE = "done"
    CANCELLED = "cancelled"
    """The child stopped at a step, as asked."""
    IGNORED = "ignored"
    """The child was asked to stop and did not; it was killed."""
    DIED = "died"
    STALLED = "stalled"
    DRAINED = "drained"
    """This process has to go before the job is done."""


@dataclass(frozen=True)
class Outcome:
    """The end, and the result where there is one."""

    end: End
    result: RenderResult | None = None
    memory_used_bytes: int | None = None
    was_begun: bool = True
    """Whether the child ever said a word about the job; if not, its death is nothing to do with it."""


class Attempt:
    """Runs one order on a ready child. Main thread, no other work beside it."""

    def __init__(
        self,
        resident: Resident,
        order: Order,
        fence: Fence,
        limits: Limits,
        *,
        beat: Callable[[], None],
        must_leave: Callable[[], bool],
    ) -> None:
        """`beat` is called every fraction of a second; `must_leave` says when to give the job back unfinished."""
        self._resident = resident
        self._order = order
        self._fence = fence
        self._limits = limits
        self._beat = beat
        self._must_leave = must_leave
        now = time.monotonic()
        self._watch = RunWatch(limits, now)
        self._reporter = Reporter(fence.announce, order.job_id, order.attempt)
        self._leased_at = now
        self._abandoned_at: float | None = None
        self._seemed_lost = False
        self._was_begun = False

    def run(self) -> Outcome:
        """Hand the order to the child and return how it ended. Redis may come and go: the fence decides afterwards."""
        try:
            self._resident.send(self._order)
            while True:
                outcome = self._hear() or self._look_around()
                if outcome:
                    return outcome
        except PipeClosed:
            _log.error("the child died")  # its own last words stand above
            return self._kill(End.DIED)

    def _hear(self) -> Outcome | None:
        """Wait a tick for the child's next word. Only silence is held against it, never our own slowness."""
        message = self._resident.receive(_TICK_S)
        now = time.monotonic()
        if isinstance(message, Step) and message.job_id == self._order.job_id:
            self._was_begun = True
            self._watch.heard(message.phase, message.step, message.steps, now)
            self._reporter.step(message.phase, message.step, message.steps, now)
        elif isinstance(message, Preview) and message.job_id == self._order.job_id:
            self._reporter.preview(message.sha256)
        elif isinstance(message, Done) and message.result.job_id == self._order.job_id:
            return Outcome(End.DONE, message.result, message.memory_used_bytes)
        elif isinstance(message, Cancelled) and message.job_id == self._order.job_id:
            return Outcome(End.CANCELLED)
        elif message is None and self._watch.is_stalled(now):
            _log.error("no sign of life for %.0f s; killing the child", self._watch.limit_s)
            return self._kill(End.STALLED if self._abandoned_at is None else End.IGNORED)
        return None

    def _look_around(self) -> Outcome | None:
        self._beat()
        now = time.monotonic()
        if now - self._leased_at >= HEARTBEAT_S:
            self._leased_at = now
            self._keep_lease(now)
        if self._abandoned_at is not None and now - self._abandoned_at > 2 * self._limits.step_s:
            _log.error("the child does not stop when asked; killing it")
            return self._kill(End.IGNORED)
        if self._must_leave():
            _log.warning("giving the job back unfinished, uncharged")
            return self._kill(End.DRAINED)
        return None

    def _keep_lease(self, now: float) -> None:
        try:
            hold = self._fence.refresh(self._order.job_id, self._order.attempt)
        except RedisError as error:
            _log.warning("the lease could not be refreshed: %s", error)
            return
        if hold is Hold.LOST and not self._seemed_lost:
            # A Redis that lost its memory has the job back from the bot by the next time.
            self._seemed_lost = True
            return
        self._seemed_lost = hold is Hold.LOST
        if hold is not Hold.HELD and self._abandoned_at is None:
            _log.info("%s; asking the child to stop", hold)
            self._abandoned_at = now
            self._resident.send(Abandon(job_id=self._order.job_id))

    def _kill(self, end: End) -> Outcome:
        self._resident.kill()
        return Outcome(end, was_begun=self._was_begun)
