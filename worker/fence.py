"""The fence: who may run a job and whose result counts. Every decision over several keys is one Lua call.

Owns `run:<id>`, `lease:<id>` and the event stream. Knows neither RQ nor Discord nor how a picture is made; the job
itself (`job:<id>`) is only read. A caller whose connection lost a reply may repeat any call: it gets the same answer
and nothing is counted or announced twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redis import Redis

from worker.contract import (
    EVENTS,
    EVENTS_KEPT,
    LEASE_S,
    MAX_STARTS,
    SCHEMA_VERSION,
    Answer,
    Event,
    FailureCode,
    Finished,
    Released,
    RenderJob,
    RenderResult,
    Rewritten,
    Stopped,
    Undeliverable,
    answer_key,
    job_key,
    lease_key,
    run_key,
)


class Refusal(StrEnum):
    """Why `Fence.begin` gave no attempt."""

    MISSING = "missing"
    """The bot's part is gone: the job was closed and forgotten, or Redis was wiped."""
    NEWER = "newer"
    """Written by a newer bot; put it back for a newer worker."""
    DONE = "done"
    CANCELLED = "cancelled"
    LEASED = "leased"
    """Another worker runs it right now."""
    POISONED = "poisoned"
    """It was started too often; a failure result was accepted instead and wants to be delivered."""


class Hold(StrEnum):
    """What `Fence.refresh` found."""

    HELD = "held"
    CANCELLED = "cancelled"
    """Still held, and the member asked to stop."""
    LOST = "lost"
    """A newer attempt runs, or the job is gone: the work is for nothing."""


@dataclass(frozen=True)
class Delivery:
    """The message a result became. The first one recorded stays the only one."""

    channel_id: int
    message_id: int


CANCEL_LUA = """
if redis.call('HEXISTS', KEYS[1], 'result') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'cancelled', '1')
return 1
"""
"""KEYS[1] = run_key(job_id). Returns 1: the flag is set; 0: a result is already accepted, too late."""

# Each script gets the same keys, the length of the stream first and the job's key last. `released` names the attempt
# that gave up its token; a run hash without `attempt` was lost with Redis's memory and belongs to whoever still works
# on the job.
_PRELUDE = """
local run, lease, events, job = KEYS[1], KEYS[2], KEYS[3], ARGV[#ARGV]
local function emit(event)
  redis.call('XADD', events, 'MAXLEN', '~', ARGV[1], '*', 'event', event)
end
local function held(attempt)
  local current = redis.call('HGET', run, 'attempt')
  if not current then
    if redis.call('EXISTS', job) == 0 then return false end
    redis.call('HSET', run, 'attempt', attempt)
    return true
  end
  return current == attempt and redis.call('HGET', run, 'released') ~= attempt
end
local function leave(attempt)
  redis.call('HSET', run, 'released', attempt)
  if redis.call('GET', lease) == attempt then redis.call('DEL', lease) end
end
"""

# ARGV: kept, job id, worker, lease seconds, max starts, schema version, failure code of a poisoned job
_BEGIN = (
    _PRELUDE
    + """
local body = redis.call('GET', job)
if not body then return {'missing', 0} end
if redis.call('HEXISTS', run, 'result') == 1 then return {'done', 0} end
local current = tonumber(redis.call('HGET', run, 'attempt') or '0')
if redis.call('HGET', run, 'cancelled') == '1' then
  emit(cjson.encode({kind = 'stopped', job_id = ARGV[2], attempt = current}))
  return {'cancelled', 0}
end
-- A body that is no JSON object is not newer: it begins, and the worker that cannot read it says so.
local is_json, written = pcall(cjson.decode, body)
local version = is_json and type(written) == 'table' and tonumber(written['schema_version'])
if version and version > tonumber(ARGV[6]) then return {'newer', 0} end
if redis.call('EXISTS', lease) == 1 then
  if redis.call('HGET', run, 'worker') == ARGV[3] then return {'begun', current} end
  return {'leased', 0}
end
local attempt = redis.call('HINCRBY', run, 'attempt', 1)
local starts = redis.call('HINCRBY', run, 'starts', 1)
redis.call('HSET', run, 'worker', ARGV[3])
if starts >= tonumber(ARGV[5]) then
  local result = {job_id = ARGV[2], attempt = attempt, seconds = 0, failure = ARGV[7]}
  redis.call('HSET', run, 'result', cjson.encode(result), 'accepted', attempt)
  emit(cjson.encode({kind = 'finished', job_id = ARGV[2], attempt = attempt, seconds = 0, failure = ARGV[7]}))
  return {'poisoned', attempt}
end
redis.call('SET', lease, attempt, 'EX', ARGV[4])
emit(cjson.encode({kind = 'started', job_id = ARGV[2], attempt = attempt, worker = ARGV[3]}))
return {'begun', attempt}
"""
)

# ARGV: kept, attempt, lease seconds
_REFRESH = (
    _PRELUDE
    + """
if not held(ARGV[2]) then return 'lost' end
redis.call('SET', lease, ARGV[2], 'EX', ARGV[3])
if redis.call('HGET', run, 'cancelled') == '1' then return 'cancelled' end
return 'held'
"""
)

# ARGV: kept, attempt, result, event
_ACCEPT = (
    _PRELUDE
    + """
if redis.call('HEXISTS', run, 'result') == 1 then
  return redis.call('HGET', run, 'accepted') == ARGV[2] and 1 or 0
end
if not held(ARGV[2]) or redis.call('HGET', run, 'cancelled') == '1' then return 0 end
redis.call('HSET', run, 'result', ARGV[3], 'accepted', ARGV[2])
if redis.call('GET', lease) == ARGV[2] then redis.call('DEL', lease) end
emit(ARGV[4])
return 1
"""
)

# ARGV: kept, attempt, '1' if the start is to be uncounted, event
_LEAVE = (
    _PRELUDE
    + """
if redis.call('HEXISTS', run, 'result') == 1 or not held(ARGV[2]) then return 0 end
leave(ARGV[2])
if ARGV[3] == '1' then redis.call('HINCRBY', run, 'starts', -1) end
emit(ARGV[4])
return 1
"""
)

# ARGV: kept, attempt. The mark stays when the worker dies: what may have been paid for is not asked for again.
_ASK = (
    _PRELUDE
    + """
if not held(ARGV[2]) then return 0 end
return redis.call('HSETNX', run, 'asked', ARGV[2])
"""
)

# ARGV: kept, attempt, event
_REWRITTEN = (
    _PRELUDE
    + """
if redis.call('HEXISTS', run, 'result') == 1 or not held(ARGV[2]) then return 0 end
redis.call('HSET', run, 'rewritten', ARGV[3], 'starts', '0')
leave(ARGV[2])
emit(ARGV[3])
return 1
"""
)

# ARGV: kept, job id, channel id, message id. Snowflakes stay strings: Lua's numbers would round them.
_DELIVERED = (
    _PRELUDE
    + """
if redis.call('HSETNX', run, 'message_id', ARGV[4]) == 1 then
  redis.call('HSET', run, 'channel_id', ARGV[3])
end
local channel, message = redis.call('HGET', run, 'channel_id'), redis.call('HGET', run, 'message_id')
emit('{"kind":"delivered","job_id":' .. cjson.encode(ARGV[2]) ..
     ',"channel_id":' .. channel .. ',"message_id":' .. message .. '}')
return {channel, message}
"""
)

# ARGV: kept, seconds. Redis's own clock, so that hosts need not agree on the time.
_DEFER = (
    _PRELUDE
    + """
local now = redis.call('TIME')
redis.call('HSET', run, 'deliver_after', tonumber(now[1]) + tonumber(ARGV[2]))
return 1
"""
)


class Fence:
    """The fence of one Redis. Every method raises redis.RedisError where Redis cannot be reached."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def job(self, job_id: str) -> RenderJob | None:
        """Return what the bot wrote at dispatch; None if it is gone.

        Raises pydantic.ValidationError where a newer bot wrote it: ask `begin` first.
        """
        body = self._redis.get(job_key(job_id))
        return None if body is None else RenderJob.model_validate_json(body)

    def answer(self, job_id: str) -> Answer | None:
        """Return the interaction its result is to follow up; None where that is over. Not for gpu workers."""
        body = self._redis.get(answer_key(job_id))
        return None if body is None else Answer.model_validate_json(body)

    def begin(self, job_id: str, worker: str) -> int | Refusal:
        """Take the lease, raise the attempt and count the start, before anybody touches the job. Announces Started.

        `worker` is unique to one process: asked again under the same lease, it gets the same attempt. At the start
        number MAX_STARTS a POISONED failure is accepted in the run's place and announced as Finished.
        """
        word, attempt = self._call(
            _BEGIN, job_id, job_id, worker, LEASE_S, MAX_STARTS, SCHEMA_VERSION, FailureCode.POISONED.value
        )
        return int(attempt) if _text(word) == "begun" else Refusal(_text(word))

    def refresh(self, job_id: str, attempt: int) -> Hold:
        """Keep the lease for another LEASE_S seconds, if it is still this attempt's."""
        return Hold(_text(self._call(_REFRESH, job_id, attempt, LEASE_S)))

    def accept(self, result: RenderResult) -> bool:
        """Make `result` the job's only one and announce Finished.

        False: the attempt is not current, the job is cancelled, or another attempt's result was accepted.
        """
        event = Finished(
            job_id=result.job_id, attempt=result.attempt, seconds=result.seconds, failure=result.failure
        ).model_dump_json()
        return bool(self._call(_ACCEPT, result.job_id, result.attempt, result.model_dump_json(), event))

    def release(self, event: Released) -> bool:
        """Give the job back without a result and announce `event`; uncharged ones do not count as a start.

        False: there was nothing to give back, and nothing is announced.
        """
        uncount = "0" if event.charged else "1"
        return bool(self._call(_LEAVE, event.job_id, event.attempt, uncount, event.model_dump_json()))

    def ask(self, job_id: str, attempt: int) -> bool:
        """Note that a hosted language model is being asked. False: it was before, or the attempt is over."""
        return bool(self._call(_ASK, job_id, attempt))

    def rewritten(self, job_id: str) -> Rewritten | None:
        """What an earlier attempt announced, though nobody may have heard it."""
        body = self._redis.hget(run_key(job_id), "rewritten")
        return None if body is None else Rewritten.model_validate_json(body)

    def announce_rewritten(self, event: Rewritten) -> bool:
        """End an attempt at a prompt, uncharged, keep what came of it and announce it. False: it had ended before."""
        return bool(self._call(_REWRITTEN, event.job_id, event.attempt, event.model_dump_json()))

    def stop(self, job_id: str, attempt: int) -> bool:
        """End a cancelled run without a result and announce Stopped. False: it had ended otherwise before."""
        event = Stopped(job_id=job_id, attempt=attempt).model_dump_json()
        return bool(self._call(_LEAVE, job_id, attempt, "0", event))

    def is_cancelled(self, job_id: str) -> bool:
        """Whether the member asked to stop. One round trip; called at every denoise step."""
        return self._redis.hget(run_key(job_id), "cancelled") == b"1"

    def announce(self, event: Event) -> None:
        """Append an event that decides nothing: progress."""
        self._redis.xadd(EVENTS, {"event": event.model_dump_json()}, maxlen=EVENTS_KEPT, approximate=True)

    def result(self, job_id: str) -> RenderResult | None:
        """Return the accepted result, if there is one."""
        body = self._redis.hget(run_key(job_id), "result")
        return None if body is None else RenderResult.model_validate_json(body)

    def delivery(self, job_id: str) -> Delivery | None:
        """Return the message recorded for the job, if there is one."""
        channel, message = self._redis.hmget(run_key(job_id), "channel_id", "message_id")
        return None if message is None or channel is None else Delivery(int(channel), int(message))

    def record_delivery(self, job_id: str, channel_id: int, message_id: int) -> Delivery:
        """Record the posted message and announce Delivered. Recorded before: that one is announced and returned."""
        channel, message = self._call(_DELIVERED, job_id, job_id, channel_id, message_id)
        return Delivery(int(channel), int(message))

    def record_undeliverable(self, job_id: str, code: int) -> None:
        """Announce that no channel and no DM took the result; `code` is Discord's error code."""
        self.announce(Undeliverable(job_id=job_id, code=code))

    def defer_delivery(self, job_id: str, seconds: float) -> None:
        """Say when delivery is worth another try: `deliver_after` in the run, in seconds of Redis's clock."""
        self._call(_DEFER, job_id, seconds)

    def _call(self, script: str, job_id: str, *arguments: str | int | float) -> Any:
        keys = [run_key(job_id), lease_key(job_id), EVENTS]
        # The job's key comes last among the arguments, not among the keys: a declared key asks for write permission,
        # which only the bot's Redis user has there.
        return self._redis.register_script(script)(keys=keys, args=[EVENTS_KEPT, *arguments, job_key(job_id)])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
