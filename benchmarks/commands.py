"""Members who send /imagine all at once, or so many a second, to the real bot in a local Discord; nothing is drawn.

    python -m benchmarks.commands [--members 100] [--at-once 300] [--per-second 50] [--seconds 60]

The GPU is only said to be there (a heartbeat), so that sandbox, bot and Redis have the cores to themselves. An answer
counts from the moment the command is sent to the moment the local Discord has it; both run on this process's loop.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from redis import Redis

from flux2.models import REGISTRY
from sandbox.hub import Change
from sandbox.interaction import Interaction
from sandbox.member import Member
from sandbox.stack import Stack
from worker.contract import Heartbeat
from worker.heartbeat import Beacon

CHANNELS = 20
UNLIMITED = {
    "MAX_WAITING_PER_MEMBER": "1000000",
    "MAX_WAITING_PER_GUILD": "1000000",
}
_SETTLED_S = 1.0


class CommandStack(Stack):
    """Bot, Redis and Discord, with the bot under a probe and a GPU that is only said to be there."""

    def _add(self, name: str, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        if name == "bot":
            arguments = ("benchmarks.probed_bot",)
            settings = {**settings, "LAG_FILE": str(self.folder / "lag")}
        super()._add(name, arguments, settings)

    def lags_s(self) -> list[float]:
        """What the probe saw, once the bot has ended."""
        return [float(line) for line in (self.folder / "lag").read_text().split()]


@dataclass
class Answers:
    """When commands were sent and first answered, in seconds."""

    sent: dict[int, float] = field(default_factory=dict)
    first: dict[int, float] = field(default_factory=dict)

    def hear(self, change: Change) -> None:
        """Note an answer."""
        if change.kind == "INTERACTION_ANSWERED" and isinstance(change.subject, Interaction):
            sent = self.sent.get(change.subject.id)
            if sent is not None:
                self.first.setdefault(change.subject.id, time.monotonic() - sent)

    @property
    def took_s(self) -> list[float]:
        """Seconds to the first answer of each that was answered."""
        return list(self.first.values())

    @property
    def missed(self) -> int:
        """Commands whose member reads “the application did not respond”."""
        return len(self.sent) - sum(took <= 3 for took in self.took_s)


def percentile(values: Sequence[float], of_hundred: float) -> float:
    """The smallest value that is not below `of_hundred` per cent of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(of_hundred / 100 * len(ordered) + 0.5) - 1))]


def population(stack: Stack, number: int) -> list[tuple[Member, str]]:
    """So many new members, each at home in one of CHANNELS channels."""
    world = stack.server.world
    for index in range(CHANNELS):
        world.add_channel(f"crowd-{index}")
    world.max_active_threads = 1_000_000
    found = []
    for index in range(number):
        world.join(world.guild, world.add_user(f"member-{index}"))
        found.append((stack.server.member(f"member-{index}"), f"crowd-{index % CHANNELS}"))
    return found


async def send(answers: Answers, who: tuple[Member, str], number: int) -> None:
    """One /imagine, not waited for."""
    member, channel = who
    began = time.monotonic()
    options = {"prompt": f"a red circle, number {number}", "seed": number}
    use = await member.slash("imagine", options, channel=channel, wait=False)
    answers.sent[use.id] = began


async def at_once(stack: Stack, crowd: list[tuple[Member, str]], number: int) -> Answers:
    """All commands in one turn of the loop."""
    answers = Answers()
    stop = stack.server.world.hub.listen(answers.hear)
    for index in range(number):
        await send(answers, crowd[index % len(crowd)], index)
    await settle(answers)
    stop()
    return answers


async def steadily(stack: Stack, crowd: list[tuple[Member, str]], per_second: float, seconds: float) -> Answers:
    """`per_second` commands a second for so long, however slowly they are answered."""
    answers = Answers()
    stop = stack.server.world.hub.listen(answers.hear)
    began = time.monotonic()
    for index in range(int(per_second * seconds)):
        await asyncio.sleep(max(0.0, began + index / per_second - time.monotonic()))
        await send(answers, crowd[index % len(crowd)], 1000 + index)
    await settle(answers)
    stop()
    return answers


async def settle(answers: Answers) -> None:
    """Wait until all are answered, or are too late by far."""
    for _ in range(200):
        if len(answers.first) == len(answers.sent):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(_SETTLED_S)


@contextlib.contextmanager
def pretended_gpu(stack: Stack) -> Iterator[None]:
    """A heartbeat for the length of the block: the model is served, and nobody takes its jobs."""
    with Redis.from_url(stack.redis_url) as redis:
        beat = Heartbeat(name="nobody", role="gpu", state="idle", model=REGISTRY["sample"])
        beacon = Beacon(redis)
        beacon.beat(beat)
        ends = asyncio.Event()

        async def keep() -> None:
            while not ends.is_set():
                await asyncio.to_thread(beacon.beat, beat)
                await asyncio.sleep(5)

        task = asyncio.create_task(keep())
        try:
            yield
        finally:
            ends.set()
            task.cancel()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def show(name: str, answers: Answers) -> None:
    """One row of the table."""
    took = answers.took_s
    print(
        f"{name:<28} n = {len(answers.sent):>5}  p50 {1000 * statistics.median(took):6.0f} ms"
        f"  p99 {1000 * percentile(took, 99):6.0f} ms  worst {1000 * max(took):6.0f} ms  missed {answers.missed}"
    )


async def measure(members: int, number: int, per_second: float, seconds: float) -> None:
    """Run both crowds against one stack and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        stack = CommandStack(Path(folder), gpu_workers=0, settings=UNLIMITED)
        await stack.start()
        try:
            with pretended_gpu(stack):
                await asyncio.sleep(6)
                crowd = population(stack, members)
                bot = psutil.Process(stack.children["bot"].pid)
                if number:
                    own, before = psutil.Process(), _cpu_s(bot) + _cpu_s(psutil.Process())
                    show("all at once", await at_once(stack, crowd, number))
                    print(f"bot and local Discord together: {_cpu_s(bot) + _cpu_s(own) - before:.2f} s of CPU")
                if seconds:
                    before, began = _cpu_s(bot), time.monotonic()
                    answers = await steadily(stack, crowd, per_second, seconds)
                    used, took = _cpu_s(bot) - before, time.monotonic() - began
                    show(f"{per_second:g} a second for {seconds:g} s", answers)
                    print(f"bot: {100 * used / took:.0f} % of a core, {bot.memory_info().rss / 1e6:.0f} MB")
        finally:
            stack.children["bot"].ask_to_stop()
            await asyncio.to_thread(stack.children["bot"].wait, 60)
            await stack.stop()
        lags = stack.lags_s()
        print(
            f"bot's event loop, every 20 ms: p50 {1000 * statistics.median(lags):.1f} ms"
            f"  p99 {1000 * percentile(lags, 99):.0f} ms  worst {1000 * max(lags):.0f} ms late"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=300)
    parser.add_argument("--per-second", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    asyncio.run(measure(given.members, given.at_once, given.per_second, given.seconds))


if __name__ == "__main__":
    main()
