"""Forgets members, left servers, and what has grown old: in the ledger, in Redis and in the blobs.

Owns the order: open jobs are cancelled, rows go, then what they pointed to. Declines to know who asked and why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bot.dispatcher import Dispatcher
from bot.ledger.erasure import Erased
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.orphans import Orphans
from bot.queue import WorkQueue
from worker.blobs import Blobs
from worker.contract import EVENTS, answer_key, job_key, lease_key, run_key

_log = logging.getLogger(__name__)

_SWEEP_S = 600.0
_SOON_S = 5.0
"""While something that was asked for is not forgotten yet."""
_AGAIN_S = 60.0
"""For as long somebody may still write of a job that went; the sweep after that is the last that looks."""


@dataclass(frozen=True)
class Retention:
    """Days things are kept; 0 for jobs: until somebody deletes them."""

    pictures_days: int
    jobs_days: int
    audit_days: int


class Privacy:
    """Forgets on behalf of one ledger. `run` it as a task."""

    def __init__(
        self, ledger: Ledger, dispatcher: Dispatcher, queue: WorkQueue, blobs: Blobs, retention: Retention
    ) -> None:
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._queue = queue
        self._blobs = blobs
        self.retention = retention
        self._orphans = Orphans(ledger, queue, blobs)
        self._woken = asyncio.Event()
        self._lately: dict[str, float] = {}
        """Jobs that went, and when."""

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            self._woken.clear()
            is_pending = False
            try:
                is_pending = await self.sweep()
            except (RedisError, SQLAlchemyError, OSError) as error:
                _log.warning("what is to be forgotten waits (%s)", error)
            except Exception:  # noqa: BLE001 - task boundary: what breaks one sweep must not end all forgetting
                _log.exception("what is to be forgotten waits")
            try:
                async with asyncio.timeout(_SOON_S if is_pending else _SWEEP_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def forget_member(self, user_id: int) -> bool:
        """Cancel what a member has open and forget the member. False: something has to end, or to come back, first."""
        await self._ledger.forgetting.ask(user_id=user_id)
        try:
            return not await self._carry_out()
        except (RedisError, OSError) as error:
            _log.warning("what is to be forgotten waits (%s)", error)
            return False
        finally:
            self._woken.set()

    async def forget_guild(self, guild_id: int) -> None:
        """Forget a server that was left."""
        await self._ledger.forgetting.ask(guild_id=guild_id)
        await self._carry_out()

    async def forget_left(self, present: Iterable[int], application_id: int) -> None:
        """Forget servers that were left while nobody looked; `present` are those the bot is in."""
        left, spared = await self._ledger.forgetting.left_guilds(set(present), application_id)
        if spared:
            _log.warning(
                "What is kept of %d servers stays: application %d was not added to them yet, another one was.",
                len(spared),
                application_id,
            )
        for guild_id in left:
            _log.info("Server %d was left; what is kept of it goes.", guild_id)
            await self.forget_guild(guild_id)

    async def sweep(self) -> bool:
        """Forget what was asked for and what is too old. True: something has to end before it can go."""
        is_pending = await self._carry_out()
        keep, moment = self.retention, now()
        began = time.time()
        forgetting = self._ledger.forgetting
        erased = Erased(blobs=await forgetting.retire_pictures(moment - timedelta(days=keep.pictures_days)))
        if keep.jobs_days:
            old = await forgetting.retire_jobs(moment - timedelta(days=keep.jobs_days))
            await asyncio.to_thread(self._forget_in_redis, old.job_ids)
            erased.add(old)
        await forgetting.retire_records(moment - timedelta(days=keep.audit_days))
        erased.blobs |= await self._ledger.trays.forget_stale()
        await self._remove(erased, put_before=began)
        await self._orphans.sweep()
        return is_pending

    async def _carry_out(self) -> bool:
        await self._forget_again()
        is_pending = False
        for erasure in await self._ledger.forgetting.pending():
            for job_id in await self._ledger.forgetting.open_jobs(erasure):
                await self._dispatcher.cancel(job_id)
            # Redis first: once the rows are gone, nobody would know what to look for there.
            closed = await self._ledger.forgetting.closed_jobs(erasure)
            await asyncio.to_thread(self._forget_in_redis, closed)
            began = time.time()
            erased, is_done = await self._ledger.forgetting.carry_out(erasure)
            # Jobs that closed in between went with the others.
            await asyncio.to_thread(self._forget_in_redis, sorted({*erased.job_ids} - {*closed}))
            await self._remove(erased, put_before=began)
            self._lately |= dict.fromkeys(erased.job_ids, time.monotonic())
            is_pending |= not is_done
        return is_pending

    async def _forget_again(self) -> None:
        """Whoever looked at a job just before it went, as the reconciler does, may have written of it just after."""
        went = list(self._lately.items())
        await asyncio.to_thread(self._forget_in_redis, [job_id for job_id, _ in went])
        for job_id, at in went:
            if time.monotonic() - at > _AGAIN_S:
                self._lately.pop(job_id, None)

    async def _remove(self, erased: Erased, *, put_before: float) -> None:
        """Delete the blobs, but none that was put again since: somebody's job is about to refer to it."""
        for sha256 in erased.blobs:
            await asyncio.to_thread(self._blobs.delete, sha256, put_before=put_before)
        if erased.job_ids or erased.blobs:
            _log.info("forgot %d jobs and %d blobs", len(erased.job_ids), len(erased.blobs))

    def _forget_in_redis(self, job_ids: list[str]) -> None:
        if not job_ids:
            return
        redis, gone = self._queue.redis, set(job_ids)
        for start in range(0, len(job_ids), 500):
            some = job_ids[start : start + 500]
            redis.delete(*(key(job_id) for job_id in some for key in (job_key, run_key, lease_key, answer_key)))
        # Some news carry words (a rewritten prompt); the stream is short, and this is rare.
        entries: Any = redis.xrange(EVENTS)
        named = [cursor for cursor, fields in entries if _job_of(fields) in gone]
        if named:
            redis.xdel(EVENTS, *named)


def _job_of(fields: dict[bytes, bytes]) -> str | None:
    _, found, rest = fields.get(b"event", b"").partition(b'"job_id":"')
    return rest[:16].decode() if found else None
