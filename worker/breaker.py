"""Is it the job or the GPU? Counts deaths of the child; knows neither."""

from __future__ import annotations

_DEATHS = 3
_WINDOW_S = 600.0


class Breaker:
    """Opens when the child died over three different jobs, or loads, within ten minutes; then stays open.

    One job that kills its child each time is poison and is quarantined elsewhere; several say that the device is sick.
    """

    def __init__(self) -> None:
        self._deaths: dict[str, float] = {}
        self._loads = 0
        self.is_open = False

    def died(self, job_id: str | None, now: float) -> None:
        """The child died at `now` over `job_id`; None: while it loaded or idled."""
        if job_id is None:
            self._loads += 1
            job_id = f"load {self._loads}"
        self._deaths[job_id] = now
        self._deaths = {job: at for job, at in self._deaths.items() if now - at <= _WINDOW_S}
        self.is_open = self.is_open or len(self._deaths) >= _DEATHS
