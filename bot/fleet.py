"""The workers as they describe themselves: who is alive, which models they serve, on how many GPUs.

Writes nothing but what the operator asks of a worker. A heartbeat that cannot be read (a newer worker's) is left out
and said once in the log.
"""

from __future__ import annotations

import logging
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from flux2.models import REGISTRY, Model
from worker.contract import WORKERS, Control, Heartbeat, control_key, model_key, worker_key

_log = logging.getLogger(__name__)
_T = TypeVar("_T", bound=BaseModel)

_SOCKET_TIMEOUT_S = 5.0
_CONNECTIONS = 16
"""More than ever ask at a time; a rush waits for one instead of being refused."""
_CONTROL_S = 30 * 24 * 3600
"""A worker's name ends with its process, so what was asked of it may be forgotten after a while."""
_SERVING = ("idle", "busy")
"""States in which a worker takes jobs off its queue, now or when it is done."""


def connect(url: str) -> Redis:
    """A connection that gives up on a Redis that does not answer for some seconds."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_SOCKET_TIMEOUT_S,
        socket_timeout=_SOCKET_TIMEOUT_S,
        socket_connect_timeout=_SOCKET_TIMEOUT_S,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.1), 1),
    )
    return Redis.from_pool(pool)


class Fleet:
    """The workers of one Redis. Every method raises redis.RedisError where it cannot be reached."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._names = set(REGISTRY)
        self._has_scanned = False
        self._unreadable: set[bytes] = set()

    async def models(self) -> dict[str, Model]:
        """Models that a worker serves now, or served within the last MODEL_SEEN_S seconds, by name."""
        await self._learn_names()
        names = sorted(self._names)
        bodies: Any = await self._redis.mget([model_key(name) for name in names])
        found = (self._read(Model, body) for body in bodies)
        return {model.name: model for model in found if model is not None}

    async def workers(self) -> list[Heartbeat]:
        """Workers that are alive, by name."""
        members: Any = await self._redis.zrange(WORKERS, 0, -1)
        if not members:
            return []
        # A worker that is gone stays on the list for a while; its heartbeat expires.
        bodies: Any = await self._redis.mget([worker_key(member.decode()) for member in sorted(members)])
        found = [self._read(Heartbeat, body) for body in bodies]
        return [heartbeat for heartbeat in found if heartbeat is not None]

    async def control(self, name: str) -> Control:
        """What was asked of a worker last."""
        body: Any = await self._redis.get(control_key(name))
        return self._read(Control, body) or Control()

    async def set_control(self, name: str, control: Control) -> None:
        """Ask something of a worker; it looks every few seconds."""
        await self._redis.set(control_key(name), control.model_dump_json(), ex=_CONTROL_S)

    async def gpus(self, model: str) -> int:
        """How many GPUs draw with `model` right now; loading and draining ones do not count."""
        return (await self.gpus_by_model()).get(model, 0)

    async def gpus_by_model(self) -> dict[str, int]:
        """The same for every model somebody serves."""
        serving: dict[str, int] = {}
        for heartbeat in await self.workers():
            if heartbeat.role == "gpu" and heartbeat.model is not None and heartbeat.state in _SERVING:
                serving[heartbeat.model.name] = serving.get(heartbeat.model.name, 0) + 1
        return serving

    async def _learn_names(self) -> None:
        # Models given by path are in no registry: live workers name them, and one scan finds those seen before us.
        if not self._has_scanned:
            prefix = model_key("")
            async for key in self._redis.scan_iter(match=f"{prefix}*", count=1000):
                self._names.add(key.decode().removeprefix(prefix))
            self._has_scanned = True
        self._names.update(beat.model.name for beat in await self.workers() if beat.model is not None)

    def _read(self, kind: type[_T], body: bytes | None) -> _T | None:
        if body is None:
            return None
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            if body not in self._unreadable:
                self._unreadable = {*list(self._unreadable)[-99:], body}
                _log.warning("cannot read %.200r; is that worker newer than this bot?", body)
            return None
