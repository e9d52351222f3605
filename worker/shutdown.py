"""SIGTERM and SIGINT as two questions a loop can ask: is a stop wanted, and may it no longer wait?"""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType

_log = logging.getLogger(__name__)

GRACE_S = 900.0
"""A running job may take this long after the first signal; docker-compose.yml's stop_grace_period is 30 s longer."""
_REPEAT_S = 1.0
"""A terminal and a supervisor may both pass on the same Ctrl-C; the second within this time is the first again."""


class Shutdown:
    """The first signal asks to finish what runs, the second, or the end of the grace, to leave now."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._asked_at: float | None = None
        self._is_urgent = False

    def install(self) -> None:
        """Listen to SIGTERM and SIGINT. Main thread only."""
        signal.signal(signal.SIGTERM, self._heard)
        signal.signal(signal.SIGINT, self._heard)

    @property
    def is_wanted(self) -> bool:
        """Whether to take no more work."""
        return self._asked_at is not None

    @property
    def is_urgent(self) -> bool:
        """Whether to give back what runs and go."""
        return self._is_urgent or (self._asked_at is not None and time.monotonic() - self._asked_at > self._grace_s)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            _log.info("%s: finishing the running job, taking no other", signal.Signals(number).name)
        elif now - self._asked_at > _REPEAT_S:
            self._is_urgent = True
