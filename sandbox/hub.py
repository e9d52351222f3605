"""News of the world: every change is published once, and the gateway, waiting tests and pages listen.

A change names what happened in the gateway's words (`MESSAGE_CREATE`) and carries the noun itself, not JSON: each
listener renders what its reader may see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
_LONGEST_NAP_S = 0.1


@dataclass(frozen=True)
class Change:
    """One thing that happened; `subject` is the noun it happened to."""

    kind: str
    subject: object


class Subscription:
    """The changes since it was made, in order; iterate, then close."""

    def __init__(self, hub: Hub) -> None:
        self._queue: asyncio.Queue[Change] = asyncio.Queue()
        self._stop = hub.listen(self._queue.put_nowait)

    async def __aiter__(self) -> AsyncIterator[Change]:
        while True:
            yield await self._queue.get()

    async def next(self) -> Change:
        """Wait for the next change."""
        return await self._queue.get()

    def close(self) -> None:
        """Hear nothing more."""
        self._stop()


class Hub:
    """Publishes changes to listeners in the order they were added, synchronously."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[Change], None]] = {}

    def publish(self, kind: str, subject: object) -> None:
        """Tell every listener."""
        change = Change(kind, subject)
        for listener in list(self._listeners.values()):
            listener(change)

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` on each change; the returned function ends that."""
        key = object()
        self._listeners[key] = listener

        def stop() -> None:
            self._listeners.pop(key, None)

        return stop

    def subscribe(self) -> Subscription:
        """Changes as an asynchronous iterator."""
        return Subscription(self)

    async def until(self, probe: Callable[[], T | None], timeout: float) -> T:  # noqa: ASYNC109 - the deadline bounds real time, not the probe
        """Return what `probe` gives as soon as it is not None; asked now and after each change.

        Raises TimeoutError after `timeout` real seconds.
        """
        deadline = time.monotonic() + timeout
        changed = asyncio.Event()
        stop = self.listen(lambda _: changed.set())
        try:
            while True:
                changed.clear()
                if (found := probe()) is not None:
                    return found
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError(f"nothing came within {timeout:g} s")
                # A nap at the longest: what a probe asks may also depend on the clock alone.
                await _nap(changed, min(remaining, _LONGEST_NAP_S))
        finally:
            stop()


async def _nap(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return
