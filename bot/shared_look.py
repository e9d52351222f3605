"""One look that serves everybody who asks while it is under way: a rush of members asks Redis once, not once each.

Declines to know what is looked at. Nothing is kept: whoever asks after a look has ended has a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from bot.running import end

_T = TypeVar("_T")


class SharedLook(Generic[_T]):
    """Call it to look, or to join the look that is under way; raises what that look raises."""

    def __init__(self, look: Callable[[], Coroutine[Any, Any, _T]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[_T] | None = None

    async def __call__(self) -> _T:
        """Return what the look finds. A caller that is cancelled leaves the others their look."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look())
            self._under_way.add_done_callback(_heed)
        return await asyncio.shield(self._under_way)

    async def close(self) -> None:
        """End the look under way, before what it looks at is closed: nobody waits for it any more."""
        if self._under_way is not None:
            await end([self._under_way])


def _heed(task: asyncio.Task[Any]) -> None:
    """Take note of the error, which nobody is left to read if every caller was cancelled."""
    if not task.cancelled():
        task.exception()
