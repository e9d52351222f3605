"""From the child's steps to events members follow: at most two a second per job, the last denoise step always."""

from __future__ import annotations

import logging
from collections.abc import Callable

from redis.exceptions import RedisError

from worker.contract import Event, Phase, Progress

_log = logging.getLogger(__name__)

_INTERVAL_S = 0.5


class Reporter:
    """Announces the progress of one attempt. A hint: an unreachable Redis costs nothing but the event."""

    def __init__(self, announce: Callable[[Event], None], job_id: str, attempt: int) -> None:
        self._announce = announce
        self._job_id = job_id
        self._attempt = attempt
        self._said_at: float | None = None
        self._last: Progress | None = None

    def step(self, phase: Phase, step: int, steps: int, now: float) -> None:
        """Step `step` of `steps` in `phase` was done at `now`, seconds of any steady clock."""
        self._last = Progress(job_id=self._job_id, attempt=self._attempt, phase=phase, step=step, steps=steps)
        is_last = phase == "denoise" and step == steps
        if not is_last and self._said_at is not None and now - self._said_at < _INTERVAL_S:
            return
        self._said_at = now
        self._say(self._last)

    def preview(self, sha256: str) -> None:
        """The picture looks like this after the last step; always said, and that step with it."""
        if self._last is not None:
            self._say(self._last.model_copy(update={"preview": sha256}))

    def _say(self, progress: Progress) -> None:
        try:
            self._announce(progress)
        except RedisError as error:
            _log.warning("progress of %s was not announced: %s", self._job_id, error)
