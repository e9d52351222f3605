"""The picks of `bot.ledger.turns`, played ahead over one model's queue. Pure: figures in, places out.

The play assumes that nobody else comes, that estimates hold and that no member's cap strikes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.ledger.turns import estimate


class Queued(NamedTuple):
    """A job that has not begun."""

    seq: int
    user_id: int
    weight: int
    cost: float


@dataclass(frozen=True)
class Board:
    """Everything besides the waiting jobs that decides the order."""

    seconds_per_cost: float | None
    running_s: float
    """Seconds still to go on all GPUs together."""
    dispatched: tuple[Queued, ...]
    """In the order of their dispatch."""
    shares: dict[tuple[int, int], tuple[float, int]]
    """(weight, user) -> (virtual seconds, number of the last pick)."""
    classes: tuple[tuple[int, float, int], ...]
    """(weight, virtual seconds, picks)."""


class Spot(NamedTuple):
    """Where one job stands."""

    position: int
    own_ahead: int
    seconds_ahead: float
    seconds: float


@dataclass
class _Class:
    weight: int
    virtual_s: float
    picks: int
    members: list[tuple[float, int, int, list[Queued]]] = field(default_factory=list)
    """A heap of (virtual seconds, last pick, user, jobs with the oldest last)."""


def play(board: Board, waiting: Iterable[Queued]) -> dict[int, Spot]:
    """Return the spot of every job by its seq. `waiting` is ordered by age inside each member."""
    seats = _Seats(board)
    for job in board.dispatched:
        seats.take(job)
    playing = _line_up(board, waiting)
    while playing:
        class_ = min(playing, key=lambda one: (one.virtual_s, -one.weight))
        _pick(class_, seats)
        if not class_.members:
            playing.remove(class_)
    return seats.spots


class _Seats:
    def __init__(self, board: Board) -> None:
        self._pace = board.seconds_per_cost
        self._own: dict[int, int] = {}
        self._ahead_s = 0.0
        self.spots: dict[int, Spot] = {}

    def take(self, job: Queued) -> float:
        seconds = estimate(job.cost, self._pace)
        own = self._own.get(job.user_id, 0)
        self.spots[job.seq] = Spot(len(self.spots) + 1, own, self._ahead_s, seconds)
        self._own[job.user_id] = own + 1
        self._ahead_s += seconds
        return seconds


def _line_up(board: Board, waiting: Iterable[Queued]) -> list[_Class]:
    queues: dict[tuple[int, int], list[Queued]] = {}
    for job in waiting:
        queues.setdefault((job.weight, job.user_id), []).append(job)
    lined = {weight: _Class(weight, virtual_s, picks) for weight, virtual_s, picks in board.classes}
    for (weight, user_id), queue in queues.items():
        queue.reverse()
        virtual_s, picked = board.shares.get((weight, user_id), (0.0, 0))
        class_ = lined.setdefault(weight, _Class(weight, 0.0, 0))
        class_.members.append((virtual_s, picked, user_id, queue))
    for class_ in lined.values():
        heapq.heapify(class_.members)
    return [class_ for class_ in lined.values() if class_.members]


def _pick(class_: _Class, seats: _Seats) -> None:
    virtual_s, _, user_id, queue = class_.members[0]
    seconds = seats.take(queue.pop())
    class_.virtual_s += seconds / class_.weight
    class_.picks += 1
    if queue:
        heapq.heapreplace(class_.members, (virtual_s + seconds, class_.picks, user_id, queue))
    else:
        heapq.heappop(class_.members)
