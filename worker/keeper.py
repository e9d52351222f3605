"""Keeps one child loaded: starts it, watches it load, replaces it when it died, and gives up on a sick device.

Loading is never an attempt of a job: a worker pops nothing before its child is ready.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from worker.breaker import Breaker
from worker.pipe import Outfit, PipeClosed, Ready, Unloadable
from worker.resident import Resident
from worker.watchdog import Limits, LoadWatch

_log = logging.getLogger(__name__)

_TICK_S = 0.5


class WeightsUnloadable(RuntimeError):
    """The model cannot be loaded here, however often it is tried; the text is for the operator."""


class Keeper:
    """The child of one gpu worker, or the way to the next one."""

    def __init__(self, outfit: Outfit, limits: Limits, weights_bytes: int) -> None:
        """`weights_bytes` is the size of the weights on disk: what a load is a percentage of."""
        self._outfit = outfit
        self._limits = limits
        self._weights_bytes = max(1, weights_bytes)
        self._resident: Resident | None = None
        self._breaker = Breaker()
        self.ready: Ready | None = None
        """What the loaded child said of itself; None while there is none."""
        self.percent = 0
        """How much of a load under way is done."""

    @property
    def is_sick(self) -> bool:
        """Whether the child died over too many different jobs: the device needs a look, not another try."""
        return self._breaker.is_open

    def resident(self) -> Resident | None:
        """Return the ready child; None if there is none, also when it died since it was last looked at."""
        if self._resident is not None and self.ready is not None:
            try:
                self._resident.receive(0)
            except PipeClosed:
                self.lost(None)
        return self._resident if self.ready else None

    def load(self, go_on: Callable[[], bool]) -> None:
        """Start a child and wait until it is ready; `go_on` is called twice a second and may end the wait.

        A child that dies or hangs counts for the breaker, and there is none afterwards. Raises WeightsUnloadable.
        """
        self.percent = 0
        self._resident = resident = Resident(self._outfit)
        watch = LoadWatch(self._limits, time.monotonic())
        try:
            for message in _messages(resident):
                if isinstance(message, Ready):
                    self.ready = message
                    _log.info("%s is loaded on %s", self._outfit.model.name, message.device)
                    return
                if isinstance(message, Unloadable):
                    raise WeightsUnloadable(message.reason)
                if not go_on():
                    break
                if self._is_hung(resident, watch):
                    _log.error("loading made no progress for %.0f s; starting over", self._limits.load_s)
                    self.lost(None)
                    return
        except PipeClosed:
            _log.error("the child died while it loaded %s", self._outfit.model.name)
            self.lost(None)
            return
        self.close()

    def lost(self, job_id: str | None) -> None:
        """The child died, or was killed for a hang, over `job_id` or over none; reap it and count it."""
        self.close()
        self._breaker.died(job_id, time.monotonic())
        if self._breaker.is_open:
            _log.critical(
                "the model's process died over three different jobs within ten minutes: this worker is sick and takes "
                "no more work; look at the device and the driver, then restart it"
            )

    def restart(self) -> None:
        """Let the next `load` start afresh, whatever the last children died over: the operator has had a look."""
        self.close()
        self._breaker = Breaker()

    def close(self) -> None:
        """Kill the child, if there is one."""
        resident, self._resident, self.ready = self._resident, None, None
        if resident:
            resident.kill()

    def _is_hung(self, resident: Resident, watch: LoadWatch) -> bool:
        loaded, now = resident.loaded_bytes(), time.monotonic()
        if loaded is None:
            # Not Linux: nothing to measure a load by, so only its death is noticed.
            return False
        watch.heard(loaded, now)
        self.percent = max(self.percent, min(99, 100 * loaded // self._weights_bytes))
        return watch.is_stalled(now)


def _messages(resident: Resident) -> Iterator[object]:
    while True:
        yield resident.receive(_TICK_S)
