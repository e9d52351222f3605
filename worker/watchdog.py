"""When is a child hung? Pure arithmetic over what was heard from it and when; kills nobody."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from worker.contract import Phase

_STEPS_REMEMBERED = 32
_MEDIANS = 10
"""A step may take this many median steps; figures of the setting's own text."""


@dataclass(frozen=True)
class Limits:
    """Seconds of silence that mean a hang."""

    load_s: float
    phase_s: float
    step_s: float


class LoadWatch:
    """Watches a child that loads weights: it lives as long as it reads or holds more bytes than ever before."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limit_s = limits.load_s
        self._since = now
        self._most = -1

    def heard(self, size_bytes: int, now: float) -> None:
        """`size_bytes` read and resident so far; less than before is no news."""
        if size_bytes > self._most:
            self._most, self._since = size_bytes, now

    def is_stalled(self, now: float) -> bool:
        """Whether no new bytes came for the limit."""
        return now - self._since > self._limit_s


class RunWatch:
    """Watches a child that runs a job: each phase has its limit, steps learn theirs from the steps before."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._since = now
        self._phase: Phase | None = None
        self._is_last = False
        self._steps: deque[float] = deque(maxlen=_STEPS_REMEMBERED)

    def heard(self, phase: Phase, step: int, steps: int, now: float) -> None:
        """Step `step` of `steps` in `phase` is done."""
        if phase == "denoise" == self._phase and step > 1:
            self._steps.append(now - self._since)
        self._phase, self._is_last, self._since = phase, step >= steps, now

    @property
    def limit_s(self) -> float:
        """Seconds of silence allowed right now."""
        if self._phase != "denoise" or self._is_last:
            return self._limits.phase_s
        if not self._steps:
            # The first step compiles kernels and moves weights; it says nothing about the next.
            return max(self._limits.phase_s, self._limits.step_s)
        return max(self._limits.step_s, _MEDIANS * median(self._steps))

    def is_stalled(self, now: float) -> bool:
        """Whether the silence is longer than the limit."""
        return now - self._since > self.limit_s
