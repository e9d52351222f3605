"""What workers say of themselves: one call writes the heartbeat, the list of workers and the model's advertisement.

Knows key names and expiry; not what a worker does.
"""

from __future__ import annotations

from redis import Redis

from worker.contract import HEARTBEAT_S, MODEL_SEEN_S, WORKERS, Heartbeat, model_key, worker_key

HEARTBEAT_TTL_S = 4 * HEARTBEAT_S
"""A worker silent for this long is gone."""
COMPLAINT_TTL_S = 3600
"""How long the reason why a worker did not start is told."""
_FORGET_S = 24 * 3600
"""Names of workers this long gone leave the list."""

# ARGV: name, heartbeat, its seconds, model or '', its seconds, seconds until forgotten. Scores are Redis's own time,
# so that a host with a wrong clock looks neither dead nor immortal.
_BEAT = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[6]))
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
if ARGV[4] ~= '' then redis.call('SET', KEYS[3], ARGV[4], 'EX', ARGV[5]) end
"""


class Beacon:
    """Writes heartbeats to one Redis. Every method raises redis.RedisError where it cannot be reached."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def complain(self, name: str, sentence: str) -> None:
        """Say for an hour why the worker called `name` did not start; `leave` takes it back."""
        self.beat(Heartbeat(name=name, role="gpu", state="sick", complaint=sentence), ttl_s=COMPLAINT_TTL_S)

    def beat(self, heartbeat: Heartbeat, *, ttl_s: int = HEARTBEAT_TTL_S) -> None:
        """Be seen for `ttl_s`, and the model for MODEL_SEEN_S. A sick worker advertises no model."""
        model = heartbeat.model if heartbeat.state != "sick" else None
        self._redis.register_script(_BEAT)(
            keys=[WORKERS, worker_key(heartbeat.name), model_key(model.name if model else "")],
            args=[
                heartbeat.name,
                heartbeat.model_dump_json(),
                ttl_s,
                model.model_dump_json() if model else "",
                MODEL_SEEN_S,
                _FORGET_S,
            ],
        )

    def leave(self, name: str) -> None:
        """Be gone at once, as a worker that stops in order."""
        with self._redis.pipeline() as pipeline:
            pipeline.zrem(WORKERS, name)
            pipeline.delete(worker_key(name))
            pipeline.execute()
