"""News from the workers: applied to the ledger once, in order, then told to whoever watches.

Owns the place in the event stream, which is committed together with what an event changed. Declines to know what an
event means for a job (bot/ledger/news.py) and for a member (the observers).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger.facts import BEGINNING
from bot.ledger.job import Job
from bot.ledger.ledger import Ledger
from bot.traces import as_result
from worker.contract import (
    EVENT,
    EVENTS,
    Delivered,
    Event,
    Finished,
    Progress,
    RenderResult,
    Undeliverable,
    run_key,
)

_log = logging.getLogger(__name__)

_BATCH = 200
_BLOCK_MS = 2000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0


class Observer(Protocol):
    """Somebody who is told what happened to a job."""

    async def observe(self, job: Job, event: Event) -> None:
        """`job` is its row after `event` was committed."""


class News:
    """Applies events to the ledger and tells the observers. Used by the stream's reader and by the reconciler."""

    def __init__(
        self,
        ledger: Ledger,
        redis: Redis,
        observers: Sequence[Observer] = (),
        moved: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`moved` is called after every event that may have made room on a GPU or changed the queue."""
        self._ledger = ledger
        self._redis = redis
        self._observers = list(observers)
        self._moved = moved

    async def apply(self, event: Event, cursor: str | None = None) -> None:
        """Commit what `event` changes, together with the cursor, and tell of it.

        Raises redis.RedisError or SQLAlchemyError, and then nothing is committed.
        """
        result = await self._result(event)
        job = await self._ledger.apply(event, result, cursor)
        if job is not None:
            await self.tell(job, event)

    async def tell(self, job: Job, event: Event) -> None:
        """Tell of something that is committed already."""
        for observer in self._observers:
            try:
                await observer.observe(job, event)
            except Exception:  # noqa: BLE001 - task boundary: what a watcher makes of the news must not stop them
                _log.exception("job %s: an observer failed over %s", job.id, event.kind)
        if self._moved is not None and not isinstance(event, Progress):
            await self._moved()

    async def _result(self, event: Event) -> RenderResult | None:
        if not isinstance(event, Finished | Delivered | Undeliverable):
            return None
        body: Any = await self._redis.hget(run_key(event.job_id), "result")
        return as_result(body)


class EventReader:
    """Follows the stream for the life of the bot, through restarts of Redis and of the bot."""

    def __init__(self, ledger: Ledger, redis: Redis, news: News, wiped: Callable[[], None]) -> None:
        """`redis` must allow a block of some seconds; `wiped` is called when Redis has lost its memory."""
        self._ledger = ledger
        self._redis = redis
        self._news = news
        self._wiped = wiped
        self._cursor: str | None = None
        """None until the ledger was asked."""

    async def run(self) -> None:
        """Read until cancelled."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self.read(block_ms=_BLOCK_MS)
                pause = _FIRST_PAUSE_S
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("the event stream cannot be read (%s); again in %.1f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def read(self, *, block_ms: int | None = None) -> int:
        """Apply what is new, waiting up to `block_ms` for it, and return the number of entries."""
        if self._cursor is None:
            self._cursor = await self._ledger.cursor()
        reply: Any = await self._redis.xread({EVENTS: self._cursor}, count=_BATCH, block=block_ms)
        if not reply:
            await self._look_for_a_new_stream(self._cursor)
            return 0
        # RESP2 answers a list of pairs, RESP3 a mapping of lists.
        entries = reply[0][1] if isinstance(reply, list) else reply[EVENTS.encode()][0]
        events = [(cursor.decode(), _parse(cursor, fields)) for cursor, fields in entries]
        for cursor, event in _without_stale_progress(events):
            await self._apply(cursor, event)
        return len(events)

    async def _apply(self, cursor: str, event: Event | None) -> None:
        try:
            if event is not None:
                # Progress is not worth a commit of the cursor: hearing it twice harms nobody.
                await self._news.apply(event, None if isinstance(event, Progress) else cursor)
        except (RedisError, SQLAlchemyError, OSError):
            raise
        except Exception:  # noqa: BLE001 - one entry that breaks us must not stop all that come after it
            _log.exception("skipped the entry %s of the event stream", cursor)
        self._cursor = cursor

    async def _look_for_a_new_stream(self, cursor: str) -> None:
        newest: Any = await self._redis.xrevrange(EVENTS, count=1)
        last = newest[0][0].decode() if newest else BEGINNING
        if _order(last) < _order(cursor):
            _log.warning("the event stream was wiped; reading it from its beginning")
            await self._ledger.set_cursor(BEGINNING)
            self._cursor = BEGINNING
            self._wiped()


def _parse(cursor: bytes, fields: dict[bytes, bytes] | None) -> Event | None:
    try:
        return EVENT.validate_json((fields or {})[b"event"])
    except (KeyError, ValidationError) as error:
        _log.error("skipped the entry %s of the event stream: %s", cursor.decode(), error)
        return None


def _without_stale_progress(events: list[tuple[str, Event | None]]) -> list[tuple[str, Event | None]]:
    """Of several steps of one job in a batch, the last one tells it all."""
    newest = {event.job_id: cursor for cursor, event in events if isinstance(event, Progress)}
    return [
        (cursor, event) for cursor, event in events if not isinstance(event, Progress) or newest[event.job_id] == cursor
    ]


def _order(cursor: str) -> tuple[int, int]:
    milliseconds, _, number = cursor.partition("-")
    return int(milliseconds), int(number or 0)
