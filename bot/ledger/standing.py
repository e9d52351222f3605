"""Where a waiting job stands and when it will be drawn, for as many askers as there are waiting jobs.

A played order is kept until the queue changes; a long one somewhat longer, so that playing costs at most a twentieth
of the time. Declines to know the rules of the order (`bot.ledger.turns`, `bot.ledger.forecast`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bot.ledger import measures, rows
from bot.ledger.database import Database
from bot.ledger.forecast import Board, Queued, Spot, play
from bot.ledger.job import Place, State
from bot.ledger.schema import classes, jobs, shares

_LONG = 500
_OLDEST_S = 5.0
_PATIENCE, _PATIENCE_WITH_NEWCOMERS = 20, 3
"""How many times as long as it took to play is a long queue's order kept."""
_QUEUED = (jobs.c.seq, jobs.c.user_id, jobs.c.weight, jobs.c.cost)


@dataclass(frozen=True)
class _Standing:
    spots: dict[int, Spot]
    running_s: float
    is_measured: bool
    version: int
    built_at: float
    took_s: float


class Standings:
    """The standings of every model of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = 0
        self._gpus: Mapping[str, int] = {}
        self._kept: dict[str, _Standing] = {}
        self._building = asyncio.Lock()

    def changed(self) -> None:
        """Somebody joined or left a queue."""
        self._version += 1

    def set_gpus(self, by_model: Mapping[str, int]) -> None:
        """Note how many GPUs serve each model; ETAs need it."""
        self._gpus = dict(by_model)

    async def place(self, job_id: str) -> Place | None:
        """Where the job stands; None once it has begun, or for a moment after it joined a very long queue."""
        known = select(jobs.c.seq, jobs.c.model, jobs.c.state).where(jobs.c.id == job_id)
        row = await self._database.read(lambda connection: connection.execute(known).one_or_none())
        if row is None or row.state not in (State.WAITING, State.DISPATCHED):
            return None
        standing = await self._standing(row.model, row.seq)
        spot = standing.spots.get(row.seq)
        if spot is None:
            return None
        others_ahead = spot.position - 1 - spot.own_ahead
        return Place(spot.position, spot.own_ahead, others_ahead, self._eta(row.model, standing, spot))

    def _eta(self, model: str, standing: _Standing, spot: Spot) -> float | None:
        gpus = self._gpus.get(model, 0)
        if not standing.is_measured or not gpus:
            return None
        return (standing.running_s + spot.seconds_ahead) / gpus + spot.seconds

    async def _standing(self, model: str, seq: int) -> _Standing:
        async with self._building:
            kept = self._kept.get(model)
            if kept is None or not self._is_fresh(kept, seq):
                kept = self._kept[model] = await self._build(model)
            return kept

    def _is_fresh(self, standing: _Standing, seq: int) -> bool:
        age = time.monotonic() - standing.built_at
        # Somebody new may ask for more, but not for everything: a rush would play the same long queue again and again.
        patience = _PATIENCE if seq in standing.spots else _PATIENCE_WITH_NEWCOMERS
        if len(standing.spots) > _LONG and age < patience * standing.took_s:
            return True
        return standing.version == self._version and age < _OLDEST_S

    async def _build(self, model: str) -> _Standing:
        began, version = time.monotonic(), self._version
        board = await self._database.read(lambda connection: _read_board(connection, model))
        found = await self._database.read(lambda connection: _read_waiting(connection, model))
        spots = await asyncio.to_thread(play, board, found)
        ended = time.monotonic()
        is_measured = board.seconds_per_cost is not None
        return _Standing(spots, board.running_s, is_measured, version, ended, ended - began)


def _read_waiting(connection: Connection, model: str) -> list[Queued]:
    waiting = select(*_QUEUED).where(jobs.c.state == State.WAITING, jobs.c.model == model)
    return list(map(Queued._make, connection.execute(waiting.order_by(jobs.c.weight, jobs.c.user_id, jobs.c.seq))))


def _read_board(connection: Connection, model: str) -> Board:
    pace = measures.seconds_per_cost(connection, model)
    dispatched = select(*_QUEUED).where(jobs.c.state == State.DISPATCHED, jobs.c.model == model)
    share = select(shares).where(shares.c.model == model)
    class_ = select(classes).where(classes.c.model == model)
    return Board(
        seconds_per_cost=pace,
        running_s=_running_s(connection, model, pace or 0.0),
        dispatched=tuple(
            Queued._make(row) for row in connection.execute(dispatched.order_by(jobs.c.dispatched_at, jobs.c.seq))
        ),
        shares={(row.weight, row.user_id): (row.virtual_s, row.picked) for row in connection.execute(share)},
        classes=tuple((row.weight, row.virtual_s, row.picks) for row in connection.execute(class_)),
    )


def _running_s(connection: Connection, model: str, pace: float) -> float:
    running = select(jobs.c.cost, jobs.c.started_at).where(jobs.c.state == State.RUNNING, jobs.c.model == model)
    moment = rows.now()
    left = (row.cost * pace - (moment - row.started_at).total_seconds() for row in connection.execute(running))
    return float(sum(max(seconds, 0.0) for seconds in left))
