"""What the end of an attempt means to the rest of the world: told to the fence, and delivery asked for.

Owns the choice between accept, stop and release, and never loses a result to a Redis that is away. Declines to know
how an attempt is run.
"""

from __future__ import annotations

import logging
from typing import Literal

from pydantic import ValidationError
from redis import Redis

from worker.attempt import End, Outcome
from worker.contract import FailureCode, Released, RenderJob, RenderResult
from worker.fence import Fence
from worker.patience import Patience
from worker.queue import enqueue_delivery

_log = logging.getLogger(__name__)


class Settlement:
    """Settles the attempts of one worker. Every method raises patience.Left when the process has to go first."""

    def __init__(self, redis: Redis, patience: Patience) -> None:
        self._redis = redis
        self._fence = Fence(redis)
        self._patience = patience

    def read(self, job_id: str) -> RenderJob | None:
        """Return the job as the bot wrote it; None, and a word in the log, if it is gone or makes no sense."""
        try:
            return self._patience.until_urgent(lambda: self._fence.job(job_id))
        except ValidationError:
            _log.exception("job %s cannot be read", job_id)
            return None

    def settle(self, job_id: str, attempt: int, outcome: Outcome) -> None:
        """Tell the fence how `attempt` ended."""
        if outcome.end is End.DONE and outcome.result is not None:
            self.accept(outcome.result)
        elif self._is_cancelled(job_id):
            self._patience.until_urgent(lambda: self._fence.stop(job_id, attempt))
        else:
            # Also a run that was stopped because its lease seemed lost: only the member's own wish ends a job.
            charged = outcome.was_begun and outcome.end not in (End.DRAINED, End.CANCELLED)
            self.release(job_id, attempt, outcome.end, charged=charged)

    def accept(self, result: RenderResult) -> None:
        """Offer `result` for as long as it takes, then ask for its delivery."""
        if self._patience.until_urgent(lambda: self._fence.accept(result)):
            self.deliver(result.job_id)
        elif self._is_cancelled(result.job_id):
            self._patience.until_urgent(lambda: self._fence.stop(result.job_id, result.attempt))
        else:
            _log.warning("the result of %s came too late: another attempt took its place", result.job_id)

    def refuse(self, job_id: str, attempt: int) -> None:
        """End a job that cannot even be read."""
        self.accept(RenderResult(job_id=job_id, attempt=attempt, seconds=0, failure=FailureCode.INTERNAL))

    def release(self, job_id: str, attempt: int, end: End, *, charged: bool) -> None:
        """Give the job back; `charged` counts its start towards quarantine."""
        reasons: dict[End, Literal["died", "stalled", "drained"]] = {
            End.DRAINED: "drained",
            End.CANCELLED: "drained",
            End.STALLED: "stalled",
            End.IGNORED: "stalled",
        }
        event = Released(job_id=job_id, attempt=attempt, reason=reasons.get(end, "died"), charged=charged)
        self._patience.until_urgent(lambda: self._fence.release(event))

    def deliver(self, job_id: str) -> None:
        """Ask the channel's lane to post the accepted result."""
        job = self.read(job_id)
        if job is not None:
            channel_id = job.destination.channel_id
            self._patience.until_urgent(lambda: enqueue_delivery(self._redis, job_id, channel_id))

    def _is_cancelled(self, job_id: str) -> bool:
        return self._patience.until_urgent(lambda: self._fence.is_cancelled(job_id))
