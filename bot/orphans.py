"""Blobs nobody refers to: left by a crash between a row and its blob, or by a worker that died over its previews.

Looks through a part of the store at a time, and only at what was not put for a day: a picture is put before anything
refers to it. Declines to know what a blob is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Iterator

from bot.ledger import holdings
from bot.ledger.ledger import Ledger
from bot.queue import WorkQueue
from worker.blobs import Blobs
from worker.contract import run_key

_log = logging.getLogger(__name__)

GRACE_S = 24 * 3600.0
"""How long a blob may lie before something refers to it; between the two are seconds, or a bot that is down."""
_SHELVES = [f"{number:02x}" for number in range(256)]
_AT_ONCE = 4
"""Shelves looked through in one sweep: with one every ten minutes, all of them twice a day."""
_RESULTS_AT_ONCE = 500


class Orphans:
    """Sweeps the blobs of one ledger."""

    def __init__(self, ledger: Ledger, queue: WorkQueue, blobs: Blobs) -> None:
        self._ledger = ledger
        self._queue = queue
        self._blobs = blobs
        # Begun anywhere: a bot that is restarted every day would never come to the last shelf.
        self._next = secrets.randbelow(len(_SHELVES))
        self._has_said = False

    async def sweep(self, shelves: int = _AT_ONCE) -> int:
        """Look through the next shelves and delete what is orphaned; return how much that was.

        Nothing is deleted where another ledger keeps its pictures in the same place: its blobs would look orphaned.
        """
        if not await self._is_alone():
            return 0
        before, gone = time.time() - GRACE_S, 0
        for _ in range(shelves):
            shelf, self._next = _SHELVES[self._next], (self._next + 1) % len(_SHELVES)
            old = await asyncio.to_thread(self._blobs.names, shelf, put_before=before)
            orphans = await self._ledger.forgetting.unreferenced(old) if old else set()
            if orphans:
                orphans -= await self._in_results()
            for sha256 in sorted(orphans):
                await asyncio.to_thread(self._blobs.delete, sha256, put_before=before)
            gone += len(orphans)
        if gone:
            _log.info("deleted %d blobs that nothing refers to", gone)
        return gone

    async def _is_alone(self) -> bool:
        await asyncio.to_thread(self._blobs.register, await self._ledger.forgetting.identity())
        owners = await asyncio.to_thread(self._blobs.owners)
        if len(owners) > 1 and not self._has_said:
            self._has_said = True
            _log.warning("%d ledgers keep pictures at BLOB_URL, so leftovers are not swept; see /doctor", len(owners))
        return len(owners) == 1

    async def _in_results(self) -> set[str]:
        """Pictures of jobs that are drawn, and whose result the ledger does not know yet."""
        job_ids = [job.id for job in await self._ledger.open_jobs()]
        return set(await asyncio.to_thread(lambda: list(self._named(job_ids))))

    def _named(self, job_ids: list[str]) -> Iterator[str]:
        for start in range(0, len(job_ids), _RESULTS_AT_ONCE):
            with self._queue.redis.pipeline(transaction=False) as pipeline:
                for job_id in job_ids[start : start + _RESULTS_AT_ONCE]:
                    pipeline.hget(run_key(job_id), "result")
                results = pipeline.execute()
            for result in results:
                yield from holdings.named(json.loads(result)) if result else ()
