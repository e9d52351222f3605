"""When each waiting job is expected to be done, as members were told last. Pure but for what it remembers.

Discord counts a moment down by itself, so another is told only where the estimate has moved noticeably.
"""

from __future__ import annotations

from collections.abc import Set

_SOON_S = 15.0
"""Nearer than this no moment is told: it would pass before narration looks again, and its edit had its turn."""
_SLACK_S, _SLACK = 10.0, 0.2
"""How far an estimate may move without being told, in seconds and by the time that is left."""


class Estimates:
    """The moments told, by job; in Unix seconds."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def moment(self, job_id: str, eta_s: float | None, now: float) -> int | None:
        """The moment to tell for an estimate of `eta_s` from `now`; None for “in a few seconds”, or without one."""
        if eta_s is None:
            return None
        moment, told = now + eta_s, self._told.get(job_id)
        if told is None or told < now + _SOON_S or abs(moment - told) > max(_SLACK_S, _SLACK * eta_s):
            told = self._told[job_id] = moment
        return None if told < now + _SOON_S else round(told)

    def keep(self, job_ids: Set[str]) -> None:
        """Forget all other jobs."""
        self._told = {job_id: told for job_id, told in self._told.items() if job_id in job_ids}
