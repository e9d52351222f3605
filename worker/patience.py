"""Waiting for Redis to come back, for as long as this process may live. Knows nothing of what is asked of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from worker.shutdown import Shutdown

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0


class Left(Exception):
    """This process has to go while Redis is away."""


class Patience:
    """Repeats a call until Redis answers. The calls must bear being repeated after a lost reply, as the fence's do."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown

    def until_asked(self, call: Callable[[], _T]) -> _T:
        """Return what `call` does; gives up at the first signal. Raises Left."""
        return self._repeat(call, lambda: self._shutdown.is_wanted)

    def until_urgent(self, call: Callable[[], _T]) -> _T:
        """Return what `call` does, for work that must not be lost; gives up at the second signal. Raises Left."""
        return self._repeat(call, lambda: self._shutdown.is_urgent)

    @staticmethod
    def _repeat(call: Callable[[], _T], is_over: Callable[[], bool]) -> _T:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return call()
            except RedisError as error:
                if is_over():
                    raise Left("Redis is away") from error
                _log.warning("Redis is away, trying again: %s", error)
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
