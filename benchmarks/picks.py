"""How long the dispatcher takes to pick the next job, by the number of waiting rows; nothing runs beside it.

    python -m benchmarks.picks [--rows 1 1000 100000] [--picks 50]

Rows are spread over a hundred members and three weight classes, in a ledger in a file as the bot keeps it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from benchmarks.commands import percentile
from bot.ledger import turns
from bot.ledger.database import Database
from bot.ledger.job import Caps, NewJob
from bot.ledger.ledger import Ledger
from bot.ledger.rows import WEIGHTS
from bot.ledger.schema import jobs
from flux2.models import find
from flux2.request import settle
from worker.contract import Destination, Skeleton

MEMBERS = 100
_MODEL = "sample"


def _job(number: int) -> NewJob:
    request, _ = settle(find(_MODEL), "a red fox", seed=number)
    job_id = f"{number:016x}"
    skeleton = Skeleton(
        content="x", nonce=f"r{job_id}", failure_nonce=f"n{job_id}", file_stem=f"flux2-{job_id}", file_size_limit=1
    )
    return NewJob(
        id=job_id, idempotency_key=f"i{number}", source="imagine", user_id=1, guild_id=1, channel_id=1,
        request=request, skeleton=skeleton, priority=0,
    )  # fmt: skip


async def fill(url: str, number: int) -> None:
    """Put `number` waiting jobs into a new ledger: one by the front door, the rest as its copies."""
    ledger = await Ledger.open(url)
    first = await ledger.accept(_job(1), Caps(10**9, 10**9))
    await ledger.set_destination(first.id, Destination(channel_id=1), None)
    await ledger.close()
    database = await Database.open(url)

    def copy(connection: Connection) -> None:
        row = dict(connection.execute(jobs.select()).mappings().one())
        row.pop("seq")
        for member in range(MEMBERS):
            turns.join(connection, model=_MODEL, weight=WEIGHTS[member % 3], user_id=member + 1)
        batch: list[dict[str, Any]] = []
        for index in range(2, number + 1):
            member = index % MEMBERS
            batch.append(
                {
                    **row,
                    "id": f"{index:016x}",
                    "idempotency_key": f"i{index}",
                    "user_id": member + 1,
                    "weight": WEIGHTS[member % 3],
                    "created_at": datetime.now(UTC),
                }
            )
            if len(batch) == 10_000 or index == number:
                connection.execute(jobs.insert(), batch)
                batch.clear()

    await database.write(copy)
    await database.close()


async def measure(number: int, picks: int) -> None:
    """Print one row."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'ledger.db'}"
        await fill(url, number)
        ledger = await Ledger.open(url)
        took, places = [], []
        for _ in range(min(picks, number)):
            began = time.perf_counter()
            await ledger.waiting_models()
            await ledger.in_flight(_MODEL)
            job = await ledger.pick(_MODEL, 1000)
            took.append(time.perf_counter() - began)
            assert job is not None
        last = f"{number:016x}"
        for _ in range(1 if number == 1 else 5):
            began = time.perf_counter()
            await ledger.place(last)
            places.append(time.perf_counter() - began)
        await ledger.close()
    print(
        f"{number:>7} waiting: pick p50 {1000 * statistics.median(took):6.1f} ms"
        f"  p99 {1000 * percentile(took, 99):6.1f} ms;"
        f"  first place {1000 * places[0]:7.1f} ms, kept {1000 * statistics.median(places[1:] or places):6.1f} ms"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 1000, 100_000])
    parser.add_argument("--picks", type=int, default=50)
    given = parser.parse_args()
    for number in given.rows:
        asyncio.run(measure(number, given.picks))


if __name__ == "__main__":
    main()
