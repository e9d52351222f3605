"""`worker --role io`: starts the lanes, keeps them alive, says so in heartbeats, drains them on SIGTERM.

Lanes are forked from this process, which has everything imported already and runs no thread and no event loop: a lane
costs about ten megabytes of its own and no start-up, where a fresh interpreter takes seventy and most of a second. As
direct children their end is known at once; a fork server in between could itself die. Declines to know what lanes do.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from types import FrameType

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.settings import DeliverySettings
from worker import keys, lane
from worker.contract import DELIVER_LANES, HEARTBEAT_S, IO_QUEUE, Heartbeat
from worker.heartbeat import Beacon
from worker.salvage import salvage

_log = logging.getLogger(__name__)

IO_LANES = 2
QUEUES = (*(f"deliver:{number}" for number in range(DELIVER_LANES)), *[IO_QUEUE] * IO_LANES)
DRAIN_S = 150.0
"""Longer than any one message takes to send: ten seconds of patience and 25 MiB on the slowest line."""
_LOOK_S = 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_HEALTHY_S = 60.0
"""A lane that lived this long starts over with the first pause."""


class _Lane:
    """One place in the row, and the process that fills it at present."""

    def __init__(self, queue: str, name: str) -> None:
        self.queue = queue
        self._name = name
        self._number = 0
        self._pause_s = 0.0
        self._start_at = 0.0
        self._started_at = 0.0
        self.process: ForkProcess | None = None

    @property
    def worker_name(self) -> str:
        """RQ's name of the present process; never used twice."""
        return f"{self._name}-{self._number}"

    def start_if_due(self, settings: DeliverySettings, life: tuple[Connection, Connection]) -> None:
        """Fork a process if there is none and the pause is over."""
        if self.process is not None or time.monotonic() < self._start_at:
            return
        self._number += 1
        self._started_at = time.monotonic()
        arguments = (settings, self.queue, self.worker_name, *life)
        self.process = multiprocessing.get_context("fork").Process(target=_main, args=arguments, daemon=True)
        self.process.start()

    def reap(self) -> int | None:
        """Return the exit code of a process that has ended, and plan the next one. None while it lives."""
        if self.process is None or self.process.exitcode is None:
            return None
        code = self.process.exitcode
        self.process.close()
        self.process = None
        lived_s = time.monotonic() - self._started_at
        self._pause_s = (
            _FIRST_PAUSE_S if lived_s > _HEALTHY_S else min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        )
        self._start_at = time.monotonic() + self._pause_s
        return code


def _main(settings: DeliverySettings, queue: str, name: str, life: Connection, end: Connection) -> None:
    # The fork copied the supervisor's end too; while any copy is open, nobody learns of the supervisor's death.
    end.close()
    sys.exit(lane.run(settings, queue, name, life))


class Lanes:
    """The supervisor of one process tree."""

    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings
        self._name = f"io-{socket.gethostname()}-{os.getpid()}"
        self._lanes = [_Lane(queue, f"{self._name}-{number}") for number, queue in enumerate(QUEUES)]
        self._life = multiprocessing.Pipe(duplex=False)
        self._redis = Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        self._beacon = Beacon(self._redis)
        self._proof = keys.Proof(keys.of(settings), self._close_life)
        self._rewrites_with = settings.openrouter_model if settings.openrouter_api_key else None
        self._next_beat = 0.0
        self._stopping = False

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then drain. Returns 0, or 78 where only the operator can help."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            code = self._serve()
            self._drain()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return code

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _serve(self) -> int:
        _log.info("%s serves %s", self._name, ", ".join(QUEUES))
        while not self._stopping:
            for one in self._lanes:
                one.start_if_due(self._settings, self._life)
            self._proof.tend()
            self._beat("busy" if self._is_partial() else "idle")
            wait([one.process.sentinel for one in self._lanes if one.process is not None], timeout=_LOOK_S)
            for one in self._lanes:
                if self._tend(one) == lane.MISCONFIGURED:
                    return lane.MISCONFIGURED
        return os.EX_OK

    def _tend(self, one: _Lane) -> int | None:
        name = one.worker_name
        code = one.reap()
        if code is not None and not self._stopping:
            _log.warning("lane %s (%s) ended with %d", name, one.queue, code)
            try:
                salvage(self._redis, one.queue, name)
            except RedisError as error:
                _log.warning("lane %s: its job is left to the reconciler: %s", name, error)
        return code

    def _is_partial(self) -> bool:
        return any(one.process is None for one in self._lanes)

    def _beat(self, state: str) -> None:
        if time.monotonic() < self._next_beat:
            return
        self._next_beat = time.monotonic() + HEARTBEAT_S
        heartbeat = {"name": self._name, "role": "io", "state": state, "rewrites_with": self._rewrites_with}
        try:
            self._beacon.beat(Heartbeat.model_validate({**heartbeat, "keys": self._proof.states}))
        except RedisError as error:
            _log.warning("no heartbeat: %s", error)

    def _drain(self) -> None:
        self._close_life()
        deadline = time.monotonic() + DRAIN_S
        while (alive := self._alive()) and time.monotonic() < deadline:
            self._beat("draining")
            wait([process.sentinel for process in alive], timeout=_LOOK_S)
        for process in self._alive():
            _log.error("lane %d did not stop within %.0f s", process.pid, DRAIN_S)
            process.kill()
            process.join()
        with contextlib.suppress(RedisError):
            self._beacon.leave(self._name)
        self._redis.close()

    def _close_life(self) -> None:
        for end in self._life:
            end.close()

    def _alive(self) -> list[ForkProcess]:
        return [one.process for one in self._lanes if one.process is not None and one.process.is_alive()]


def run(settings: DeliverySettings) -> int:
    """Run the role io until told to stop; returns the exit code for the process. Call it from the main thread."""
    try:
        lanes = Lanes(settings)
    except ValueError as error:
        _log.critical("REDIS_URL is not understood (%s); write redis://host:6379/0.", error)
        return lane.MISCONFIGURED
    return lanes.run()
