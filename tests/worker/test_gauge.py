"""The card as its driver tells, with a driver played by the test: NVML needs a card."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml

from worker.gauge import Gauge

CARD = "dc0e5e8b-0000-0000-0000-000000000001"
GB = 10**9


class Driver:
    """NVML's names that the gauge uses. While `hangs` is clear, asking for a temperature does not return."""

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU

    def __init__(self) -> None:
        self.temperature_c = 61
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_broken = False
        self.asked = 0

    def nvmlInit(self) -> None:  # noqa: N802 - called by NVML's own name
        """Always there."""

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802 - called by NVML's own name
        return uuid

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:  # noqa: N802 - called by NVML's own name
        assert handle == f"GPU-{CARD}"
        return SimpleNamespace(used=20 * GB, total=24 * GB)

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:  # noqa: N802 - called by NVML's own name
        assert sensor == pynvml.NVML_TEMPERATURE_GPU
        self.asked += 1
        self.goes_on.wait(120)
        if self.is_broken:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return self.temperature_c


def until(there: Callable[[], object]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if there():
            return
        time.sleep(0.005)
    raise TimeoutError


def gauge(driver: Driver, stale_s: float = 0.2) -> Gauge:
    """A gauge in a hurry."""
    watching = Gauge(lambda: driver, interval_s=0.01, stale_s=stale_s)
    watching.watch(CARD)
    return watching


def test_the_real_library_has_the_names_the_test_plays() -> None:
    """What is called here exists in NVIDIA's own module."""
    assert all(hasattr(pynvml, name) for name in vars(Driver) if name.startswith(("nvml", "NVML")))


def test_temperature_and_memory_are_told_as_they_change() -> None:
    """The latest answer counts."""
    driver = Driver()
    watching = gauge(driver, stale_s=600)
    until(lambda: watching.reading)
    assert (watching.reading.temperature_c, watching.reading.memory_used_bytes) == (61, 20 * GB)
    driver.temperature_c = 88
    until(lambda: watching.reading.temperature_c == 88)
    watching.watch(None)
    assert watching.reading is None


def test_a_hung_or_broken_driver_is_no_answer_and_keeps_nobody_waiting() -> None:
    """An old answer fades instead of being repeated for ever; a driver that comes back is heard again."""
    driver = Driver()
    watching = gauge(driver)
    until(lambda: watching.reading)
    driver.goes_on.clear()
    until(lambda: watching.reading is None)
    driver.is_broken = True
    driver.goes_on.set()
    asked = driver.asked
    until(lambda: driver.asked > asked + 2)
    assert watching.reading is None
    driver.is_broken = False
    until(lambda: watching.reading)
    watching.watch(None)


def test_without_a_driver_there_is_no_answer() -> None:
    """On a machine without an NVIDIA card NVIDIA's module finds no library; without that module it is the same."""

    def absent() -> Any:
        raise ModuleNotFoundError("No module named 'pynvml'")

    def no_driver() -> Any:
        return SimpleNamespace(nvmlInit=lambda: _raise(pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)))

    for library in (absent, no_driver):
        watching = Gauge(library, interval_s=0.01)
        watching.watch(CARD)
        until(lambda: not any(thread.name == "gauge" for thread in threading.enumerate()))
        assert watching.reading is None


def _raise(error: Exception) -> None:
    raise error
