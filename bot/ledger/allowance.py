"""What a member may use, has used, and what a refusal over it says. Plain values, no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Limit = Literal["pictures", "gpu_seconds", "cooldown"]


@dataclass(frozen=True)
class Allowance:
    """What a member may use in one server; None: as much as they like."""

    pictures_per_day: int | None = None
    gpu_seconds_per_day: float | None = None
    cooldown_s: float | None = None
    """Seconds between the acceptance of two jobs."""


@dataclass(frozen=True)
class Usage:
    """What a member has used since the day began."""

    gpu_ms: int = 0
    pictures: int = 0


class QuotaReached(Exception):
    """Nothing was accepted: `wanted` more would pass the `limit`, of which `used` is used, until `frees_at`."""

    def __init__(self, limit: Limit, *, used: float, wanted: float, most: float, frees_at: datetime) -> None:
        super().__init__(f"{limit}: {used:g} of {most:g} used, {wanted:g} wanted")
        self.limit = limit
        self.used = used
        self.wanted = wanted
        self.most = most
        self.frees_at = frees_at
