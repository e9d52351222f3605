"""What Redis knows of a job: lease, accepted result, posted message, and where its entry is on RQ's lists.

Looks without touching: RQ's registries run their clean-up when read, so only plain keys are asked. All ages are
measured by Redis's own clock. Also puts an accepted result back that Redis forgot, and lets closed jobs expire.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pydantic import ValidationError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job as Entry

from bot.ledger.job import State
from bot.ledger.sightings import Sighting
from bot.queue import WorkQueue, deliver_entry, destination_of, dispatch_of
from worker.contract import RenderResult, deliver_queue, job_key, lease_key, run_key

_log = logging.getLogger(__name__)

KEPT_S = 24 * 3600
"""How long a closed job's keys stay: late events and repeated deliveries still find them."""
_NUMBER = re.compile(rb"(\d{1,19})(?:\.\d+)?")
_FIELDS = ("attempt", "cancelled", "result", "message_id", "channel_id", "deliver_after")

# KEYS: run; ARGV: attempt, result, age in seconds of the result. A delivery may have begun before Redis forgot; dating
# its first send back makes the next one look for the message before it posts again.
_RESTORE = """
if redis.call('HSETNX', KEYS[1], 'result', ARGV[2]) == 0 then return 0 end
redis.call('HSETNX', KEYS[1], 'attempt', ARGV[1])
redis.call('HSET', KEYS[1], 'accepted', ARGV[1])
local time = redis.call('TIME')
redis.call('HSETNX', KEYS[1], 'first_sent', string.format('%.3f', tonumber(time[1]) - tonumber(ARGV[3])))
return 1
"""


class Whereabouts(Enum):
    """Where the entry of a job's current attempt or delivery is."""

    QUEUED = auto()
    POPPED = auto()
    """A worker took it, and either works on it or died with it."""
    GONE = auto()


@dataclass(frozen=True)
class Message:
    """The posted message."""

    channel_id: int
    message_id: int


@dataclass(frozen=True)
class Trace:
    """What Redis knew of one job at one moment."""

    has_job: bool
    has_run: bool
    is_leased: bool
    is_cancelled: bool
    result: RenderResult | None
    message: Message | None
    deliver_in_s: float
    """Seconds until delivery is worth another try; 0 when it is."""
    entry: Whereabouts


class Traces:
    """Reads the traces of one Redis. Every method raises redis.RedisError where it cannot be reached."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue

    async def look(self, seen: Sequence[Sighting]) -> list[Trace]:
        """Return one trace for each sighting, in their order."""
        return await asyncio.to_thread(self._look, seen) if seen else []

    async def restore(self, result: RenderResult, age_s: float) -> None:
        """Put an accepted result back that is `age_s` seconds old; one that is there stays."""
        script = self._queue.redis.register_script(_RESTORE)
        arguments: list[str | float] = [result.attempt, result.model_dump_json(), age_s]
        await asyncio.to_thread(lambda: script(keys=[run_key(result.job_id)], args=arguments))

    async def forget(self, job_ids: Iterable[str]) -> None:
        """Let the keys of closed jobs expire after KEPT_S seconds."""
        with self._queue.redis.pipeline(transaction=False) as pipeline:
            for job_id in job_ids:
                pipeline.expire(job_key(job_id), KEPT_S)
                pipeline.expire(run_key(job_id), KEPT_S)
            await asyncio.to_thread(pipeline.execute)

    def _look(self, seen: Sequence[Sighting]) -> list[Trace]:
        entries = [_entry(sighting) for sighting in seen]
        queues = sorted({queue for queue, _ in entries})
        with self._queue.redis.pipeline(transaction=False) as pipeline:
            # Entries move from the queue to the intermediate list; read in that order, one on the move is seen.
            for name in queues:
                key = self._queue.queue(name).key
                pipeline.lrange(key, 0, -1)
                pipeline.lrange(IntermediateQueue.get_intermediate_queue_key(key), 0, -1)
            for sighting, (_, entry) in zip(seen, entries, strict=True):
                job_id = sighting.job.id
                pipeline.exists(Entry.key_for(entry))
                # The lease before the result: accepting drops the one as it writes the other.
                pipeline.exists(lease_key(job_id))
                pipeline.exists(job_key(job_id))
                pipeline.hmget(run_key(job_id), _FIELDS)
            pipeline.time()
            replies = pipeline.execute()
        lists, rest, (seconds, _) = replies[: 2 * len(queues)], replies[2 * len(queues) : -1], replies[-1]
        waiting = {name: set(lists[2 * i]) for i, name in enumerate(queues)}
        popped = {name: set(lists[2 * i + 1]) for i, name in enumerate(queues)}
        traces = []
        for i, (queue, entry) in enumerate(entries):
            hashed, leased, has_job, fields = rest[4 * i : 4 * i + 4]
            where = _where(entry.encode(), waiting[queue], popped[queue], bool(hashed))
            traces.append(_trace(dict(zip(_FIELDS, fields, strict=True)), bool(leased), bool(has_job), where, seconds))
        return traces


def _entry(seen: Sighting) -> tuple[str, str]:
    job = seen.job
    if job.state is State.DELIVERING:
        return deliver_queue(destination_of(job).channel_id), deliver_entry(job.id, seen.deliveries)
    return dispatch_of(job)


def _where(entry: bytes, waiting: set[bytes], popped: set[bytes], is_hashed: bool) -> Whereabouts:
    if entry in waiting:
        return Whereabouts.QUEUED
    return Whereabouts.POPPED if entry in popped or is_hashed else Whereabouts.GONE


def _trace(fields: dict[str, Any], leased: bool, has_job: bool, entry: Whereabouts, now_s: int) -> Trace:
    channel_id, message_id = _whole(fields["channel_id"]), _whole(fields["message_id"])
    message = None if channel_id is None or message_id is None else Message(channel_id, message_id)
    return Trace(
        has_job=has_job,
        has_run=any(value is not None for value in fields.values()),
        is_leased=leased,
        is_cancelled=fields["cancelled"] == b"1",
        result=as_result(fields["result"]),
        message=message,
        deliver_in_s=max(float(_whole(fields["deliver_after"]) or 0) - now_s, 0.0),
        entry=entry,
    )


def _whole(body: bytes | None) -> int | None:
    """The number without its fraction; None for what is none, so that one bad field does not hide all other jobs."""
    match = _NUMBER.fullmatch(body or b"")
    return None if match is None else int(match[1])


def as_result(body: bytes | None) -> RenderResult | None:
    """Read an accepted result; one of a newer worker is left for a newer bot."""
    if body is None:
        return None
    try:
        return RenderResult.model_validate_json(body)
    except ValidationError:
        _log.exception("a result cannot be read; was it written by a newer worker?")
        return None
