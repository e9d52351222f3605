"""Ids in Discord's layout: milliseconds since 2015 << 22 | worker << 17 | process << 12 | counter."""

from __future__ import annotations

from sandbox.clock import Clock

EPOCH_MS = 1_420_070_400_000
_PER_MS = 1 << 22


def made_at(snowflake: int) -> float:
    """When an id was made, in seconds since 1970."""
    return ((snowflake >> 22) + EPOCH_MS) / 1000


def at(timestamp: float) -> int:
    """The smallest id of a moment given in seconds since 1970."""
    return (int(timestamp * 1000) - EPOCH_MS) << 22


class Snowflakes:
    """Hands out ids; each is larger than every one before it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A new id stamped with the world's clock."""
        floor = at(self._clock.now()) | (1 << 17)
        self._last = max(floor, self._last + 1)
        return self._last
