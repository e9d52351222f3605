"""How long a member waits beyond the drawing itself: /imagine to posted picture, against the bare engine in one run.

    python benchmarks/turnaround.py [--pictures 20] [--size 256x256]

Prints the median and worst of both, their ratio, where the difference goes, and the gpu worker's memory. The floor is
the same request on the same weights in this process; the product's figure includes Discord's round trips, ledger,
queue, blobs and encoding.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flux2 import checkpoint, pipeline, request
from flux2.engine import Engine
from sandbox.once import Errand, converse
from sandbox.stack import Stack

PROMPT = "a red circle on a white background"


def floor(pictures: int, size: str | None) -> list[float]:
    """Seconds of each picture by the engine alone, the first one not counted."""
    engine = Engine.load(checkpoint.resolve("sample"))
    seconds = []
    for seed in range(pictures + 1):
        asked, _ = request.settle(engine.model, PROMPT, size=size, seed=seed)
        began = time.perf_counter()
        pipeline.generate(engine, asked)
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def resident(pid: int) -> float:
    """MiB in memory of a process and its children; what they share counts for each of them."""
    parent = psutil.Process(pid)
    return float(sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True)))) / 2**20


async def product(pictures: int, size: str | None) -> tuple[list[float], list[float], float]:
    """Seconds of each picture from command to post, those of them that the worker drew, and the worker's MiB."""
    waited, drawn = [], []
    sized = {"size": size} if size else {}
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder) / "stack") as stack:
            for seed in range(pictures + 1):
                errand = Errand("imagine", Path(folder) / "out", PROMPT, options={"seed": str(seed), **sized})
                line = await converse(errand, stack)
                result = await stack.result(line["job_id"])
                waited.append(line["seconds"])
                drawn.append(result.seconds if result else float("nan"))
            memory = resident(stack.children["gpu"].pid)
    return waited[1:], drawn[1:], memory


def show(name: str, seconds: list[float]) -> None:
    """One row: median and worst."""
    print(f"{name:<34} {statistics.median(seconds):7.3f} s {max(seconds):7.3f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--size", help="pixels as WIDTHxHEIGHT; default: the registry's")
    options = parser.parse_args()
    pictures = options.pictures
    waited, drawn, memory = asyncio.run(product(pictures, options.size))
    bare = floor(pictures, options.size)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, sample, {options.size or 'default size'}, n = {pictures}")
    print(f"{'':<34} {'median':>9} {'worst':>9}")
    show("the engine alone", bare)
    show("the worker, from lease to result", drawn)
    show("the member, from command to picture", waited)
    overhead = statistics.median(waited) - statistics.median(bare)
    print(f"the gpu worker, parent and child: {memory:.0f} MiB resident")
    print(f"member / engine = {statistics.median(waited) / statistics.median(bare):.2f}; {overhead:.3f} s on top")


if __name__ == "__main__":
    main()
