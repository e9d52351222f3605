"""The card as its driver tells: temperature and memory, for the heartbeat. NVML opens no CUDA context.

A driver that hangs must not silence a worker that holds a lease, so a thread of its own asks; whoever wants to know
gets the latest answer, or none. Without NVML (no NVIDIA card, or its library is not installed) there is never one.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.contract import HEARTBEAT_S

_log = logging.getLogger(__name__)

_STALE_S = 6 * HEARTBEAT_S
"""An older answer says nothing about the card any more."""


@dataclass(frozen=True)
class Reading:
    """What the driver said of a card at `at`, by the monotonic clock."""

    temperature_c: int
    memory_used_bytes: int
    memory_total_bytes: int
    at: float


class Gauge:
    """Watches one card at a time."""

    def __init__(
        self,
        library: Callable[[], Any] = lambda: importlib.import_module("pynvml"),
        interval_s: float = HEARTBEAT_S,
        stale_s: float = _STALE_S,
    ) -> None:
        self._library = library
        self._interval_s = interval_s
        self._stale_s = stale_s
        self._card: str | None = None
        self._latest: Reading | None = None

    def watch(self, card: str | None) -> None:
        """Tell of the card with this UUID, as CUDA names it, from now on; None: of none. Repeating it is harmless."""
        if card == self._card:
            return
        self._card, self._latest = card, None
        if card is not None:
            threading.Thread(target=self._run, args=(card,), name="gauge", daemon=True).start()

    @property
    def reading(self) -> Reading | None:
        """The latest answer, unless it is too old to mean anything."""
        latest = self._latest
        return latest if latest is not None and time.monotonic() - latest.at < self._stale_s else None

    def _run(self, card: str) -> None:
        try:
            nvml = self._library()
            nvml.nvmlInit()
        except Exception as error:  # noqa: BLE001 - absent, too old, or a driver of another version: all the same here
            _log.info("the card's temperature is not known: %s", error)
            return
        while self._card == card:
            try:
                reading = _read(nvml, card)
            except nvml.NVMLError as error:
                _log.warning("the driver does not tell of the card: %s", error)
                reading = None
            if self._card == card:
                self._latest = reading or self._latest
            time.sleep(self._interval_s)


def _read(nvml: Any, card: str) -> Reading:
    handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{card}")
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    temperature = nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
    return Reading(int(temperature), int(memory.used), int(memory.total), time.monotonic())
