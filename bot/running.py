"""The callbacks that are at work right now, so that a stop can wait for them and let in no new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from bot.language import N_, _
from bot.refusal import Refusal

_CANCEL_AGAIN_S = 1.0
_RESTARTING = N_("I am restarting; try again in a minute. Pictures already asked for are not lost.")

_T = TypeVar("_T")


class Running:
    """Tasks that answer members."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closing = False
        self._presses: set[Hashable] = set()
        self._awaited: set[asyncio.Future[Any]] = set()

    @contextmanager
    def once(self, press: Hashable) -> Iterator[bool]:
        """Yield whether nobody is at work on this very press yet."""
        is_first = press not in self._presses
        self._presses.add(press)
        try:
            yield is_first
        finally:
            if is_first:
                self._presses.discard(press)

    def enter(self) -> None:
        """Count the current task until it ends. Raises Refusal once a stop has begun."""
        if self._is_closing:
            raise Refusal(_(_RESTARTING))
        task = asyncio.current_task()
        if task is not None and task not in self._tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def answer(self, awaited: asyncio.Future[_T]) -> _T:
        """Wait for a member's answer. Raises Refusal once a stop has begun: it would wait as long as they take."""
        if self._is_closing:
            raise Refusal(_(_RESTARTING))
        self._awaited.add(awaited)
        try:
            return await awaited
        finally:
            self._awaited.discard(awaited)

    async def drain(self, timeout_s: float) -> None:
        """Let nothing new in and wait for what runs, at most `timeout_s` seconds."""
        self._is_closing = True
        for awaited in self._awaited:
            if not awaited.done():
                awaited.set_exception(Refusal(_(_RESTARTING)))
        tasks = self._tasks - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` and wait until they have ended.

    More than once if need be: before Python 3.12 `asyncio.wait_for`, which the Redis client sends commands through,
    forgets a cancel that comes as the command goes out.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
