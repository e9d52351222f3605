"""What the operator asks of this worker: to drain, to go on, to start its child afresh. Only reads Redis.

A restart is counted, not commanded: this side may not write the key, and must not obey the same wish twice.
"""

from __future__ import annotations

import logging

from pydantic import ValidationError
from redis import Redis

from worker.contract import Control, control_key

_log = logging.getLogger(__name__)


class Orders:
    """The wishes of one worker's operator. Methods raise redis.RedisError where Redis cannot be reached."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self._key = control_key(name)
        self._restarts: int | None = None
        self.drains = False
        """Whether no further job is to be taken."""

    def look(self) -> bool:
        """Ask again; return whether a new child is wanted since the last look."""
        control = self._read()
        self.drains = control.drains
        # What was asked before this process began was asked of another one.
        before = control.restarts if self._restarts is None else self._restarts
        self._restarts = control.restarts
        return control.restarts > before

    def _read(self) -> Control:
        body = self._redis.get(self._key)
        if not isinstance(body, bytes):
            return Control()
        try:
            return Control.model_validate_json(body)
        except ValidationError:
            _log.warning("cannot read what is asked of this worker; is the bot newer?")
            return Control()
