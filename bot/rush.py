"""During a rush, first answers go first: what follows an acknowledgement waits until nobody waits for one.

Discord gives three seconds for the first answer and a quarter of an hour for everything after it. Declines to know what
is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LONGEST_S = 2.0
"""After this, work goes on beside the rush: a steady stream of commands must not hold up those before it."""


class Rush:
    """Counts the first answers that are on their way."""

    def __init__(self) -> None:
        self._owed = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """A first answer is on its way for the length of the block."""
        self._owed += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._owed -= 1
            if not self._owed:
                self._calm.set()

    async def over(self, longest_s: float = LONGEST_S) -> None:
        """Wait until no first answer is on its way, for `longest_s` seconds at most."""
        # Not wait_for: before Python 3.12 it loses a cancel that comes together with the event.
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._calm.wait()
