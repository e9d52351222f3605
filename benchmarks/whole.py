"""The whole product on one machine: what it costs idle, how soon a finished picture is posted, how soon faults heal.

    python -m benchmarks.whole [--pictures 40] [--idle 20] [--skip-recovery]

Finished to posted is read from the event stream, by Redis's clock. Recovery is kill -9 to the next start of the job,
with the settings of operation: of the model's process on one worker, and of a whole worker beside a second one.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.commands import UNLIMITED, percentile
from sandbox.stack import Stack
from worker.contract import EVENT, EVENTS, Delivered, Event, Finished, Started

_LONG = {"prompt": "a red circle", "size": "256x256", "steps": 30, "count": 4}
_SHORT = {"prompt": "a red circle", "size": "128x128", "steps": 4}


async def events(stack: Stack) -> list[tuple[float, Event]]:
    """Every event with Redis's time of it, in seconds."""
    async with stack.connect() as client:
        entries: Any = await client.xrange(EVENTS)
    return [(int(at.partition("-")[0]) / 1000, EVENT.validate_json(fields["event"])) for at, fields in entries]


async def idle(stack: Stack, seconds: float) -> None:
    """CPU and memory of every process while nobody asks for anything."""
    roots = {name: psutil.Process(child.pid) for name, child in stack.children.items()}
    found = {name: [root, *root.children(recursive=True)] for name, root in roots.items()}
    before = {name: sum(sum(one.cpu_times()[:2]) for one in all_) for name, all_ in found.items()}
    await asyncio.sleep(seconds)
    for name, all_ in found.items():
        used = sum(sum(one.cpu_times()[:2]) for one in all_) - before[name]
        private = sum(one.memory_full_info().uss for one in all_) / 1e6
        resident = sum(one.memory_info().rss for one in all_) / 1e6
        print(
            f"idle {name:<6} {len(all_)} process(es)  {100 * used / seconds:5.1f} % of a core"
            f"  {resident:5.0f} MB resident, {private:5.0f} MB of its own"
        )


async def posting(stack: Stack, number: int) -> None:
    """Finished to posted, one picture after the other."""
    for seed in range(number):
        use = await stack.server.member("luna").slash("imagine", {**_SHORT, "seed": seed})
        await use.answer()
        await _count(stack, Delivered, seed + 1)
    finished: dict[str, float] = {}
    took = []
    for at, event in await events(stack):
        if isinstance(event, Finished):
            finished[event.job_id] = at
        elif isinstance(event, Delivered):
            took.append(at - finished[event.job_id])
    print(
        f"finished to posted, n = {len(took)}: p50 {1000 * statistics.median(took):.0f} ms"
        f"  p95 {1000 * percentile(took, 95):.0f} ms  worst {1000 * max(took):.0f} ms"
    )


async def _count(stack: Stack, kind: type[Event], number: int) -> None:
    for _ in range(6000):
        if sum(isinstance(event, kind) for _, event in await events(stack)) >= number:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"no {number} events {kind.__name__}")


async def recovery(stack: Stack, *, of_host: bool) -> None:
    """kill -9 in mid-job to the next start of that job."""
    known = sum(isinstance(event, Started) for _, event in await events(stack))
    await stack.server.member("luna").slash("imagine", _LONG)
    await _count(stack, Started, known + 1)
    await asyncio.sleep(1)
    begun = [event for _, event in await events(stack) if isinstance(event, Started)][-1]
    children = [child for name, child in stack.children.items() if name.startswith("gpu")]
    victim = next(child for child in children if f"-{child.pid}-" in begun.worker)
    if of_host:
        victim.kill_group()
    else:
        psutil.Process(victim.pid).children()[0].kill()
    killed = time.monotonic()
    await _count(stack, Started, known + 2)
    what = "a worker with all it started, to its start on another" if of_host else "the model's process, to its restart"
    print(f"kill -9 of {what}: {time.monotonic() - killed:.1f} s")


async def measure(pictures: int, idle_s: float, recovers: bool) -> None:
    """Everything, on one stack after another."""
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder), settings=UNLIMITED) as stack:
            await asyncio.sleep(5)
            await idle(stack, idle_s)
            await posting(stack, pictures)
            if recovers:
                await recovery(stack, of_host=False)
    if recovers:
        with tempfile.TemporaryDirectory() as folder:
            async with Stack(Path(folder), gpu_workers=2, settings=UNLIMITED) as stack:
                await recovery(stack, of_host=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=30)
    parser.add_argument("--idle", type=float, default=20)
    parser.add_argument("--skip-recovery", action="store_true")
    given = parser.parse_args()
    asyncio.run(measure(given.pictures, given.idle, not given.skip_recovery))


if __name__ == "__main__":
    main()
