"""The world's clock: real time plus whatever a test has advanced it by. Knows nothing of what is due when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime


def iso(timestamp: float) -> str:
    """Seconds since 1970 as Discord writes a time."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="microseconds")


class Clock:
    """Seconds since 1970; runs with real time and can be advanced, never turned back."""

    def __init__(self) -> None:
        # Monotonic underneath, so that a corrected system clock never makes a token younger.
        self._base = time.time() - time.monotonic()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return self._base + time.monotonic()

    def advance(self, seconds: float) -> None:
        """Let time pass at once. Raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._base += seconds
        for listener in list(self._listeners):
            listener()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each advance, so that what became due happens."""
        self._listeners.append(listener)

    async def sleep_until(self, deadline: float) -> None:
        """Return once `now()` has reached `deadline`, by waiting or by an advance."""
        advanced = asyncio.Event()
        self._listeners.append(advanced.set)
        try:
            while (remaining := deadline - self.now()) > 0:
                advanced.clear()
                try:
                    async with asyncio.timeout(remaining):
                        await advanced.wait()
                except TimeoutError:
                    continue
        finally:
            self._listeners.remove(advanced.set)
