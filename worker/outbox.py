"""What delivery remembers about a job between two tries: when the first send began, how many answers may have got
through, and a result that lost its files.

Owns the fields `first_sent`, `doubts` and `reruns` of `run:<id>`; the message itself is recorded through
`worker.fence`. Knows neither RQ nor Discord.
"""

from __future__ import annotations

from redis import Redis

from worker.contract import EVENTS, EVENTS_KEPT, FailureCode, run_key

# Redis's own clock: the next try may be made on another host.
_AGE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('HSETNX', KEYS[1], 'first_sent', string.format('%.3f', now))
return string.format('%.3f', now - tonumber(redis.call('HGET', KEYS[1], 'first_sent')))
"""

# `released` names the attempt that gave up its token (worker.fence): a straggler of it cannot be accepted any more.
_DISCARD = """
local run, events, kept, job_id, code = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local body = redis.call('HGET', run, 'result')
if not body then return 1 end
local result = cjson.decode(body)
local function emit(event) redis.call('XADD', events, 'MAXLEN', '~', kept, '*', 'event', cjson.encode(event)) end
if redis.call('HINCRBY', run, 'reruns', 1) == 1 then
  redis.call('HDEL', run, 'result', 'accepted')
  redis.call('HSET', run, 'released', result['attempt'])
  emit({kind = 'released', job_id = job_id, attempt = result['attempt'], reason = 'blob_missing', charged = true})
  return 1
end
local failed = {job_id = job_id, attempt = result['attempt'], seconds = result['seconds'], failure = code}
redis.call('HSET', run, 'result', cjson.encode(failed))
emit({kind = 'finished', job_id = job_id, attempt = result['attempt'], seconds = result['seconds'], failure = code})
return 0
"""


class Outbox:
    """The outbox of one Redis. Every method raises redis.RedisError where Redis cannot be reached."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def age(self, job_id: str) -> float:
        """Seconds since the first send of this job began; the first call starts the clock and returns 0."""
        return float(self._redis.register_script(_AGE)(keys=[run_key(job_id)]))

    def doubts(self, job_id: str) -> int:
        """How many answers of this job may have been posted though nobody knows."""
        return int(self._redis.hget(run_key(job_id), "doubts") or 0)

    def doubt(self, job_id: str) -> None:
        """Count one more."""
        self._redis.hincrby(run_key(job_id), "doubts", 1)

    def discard(self, job_id: str) -> bool:
        """Take back a result whose pictures are gone from the blobs.

        True, the first time: the result is cleared and Released is announced, so that the job runs again.
        False, after that: a BLOB_MISSING failure stands in the result's place, announced as Finished.
        """
        script = self._redis.register_script(_DISCARD)
        return bool(script(keys=[run_key(job_id), EVENTS], args=[EVENTS_KEPT, job_id, FailureCode.BLOB_MISSING.value]))
