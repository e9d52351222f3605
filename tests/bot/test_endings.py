"""Whatever happens in whatever order, every accepted job ends, once, and in one way."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.events import EventReader
from bot.ledger.job import Job, Outcome, State
from worker.contract import EVENTS, FailureCode, Released, deliver_queue
from worker.fence import Refusal

QueueUp = Callable[..., Awaitable[Job]]
Stack = Any
LANE = deliver_queue(2 << 22)
STEPS = 120


class World:
    """Plays members, workers, lanes, Discord and misfortune against one stack, and watches the endings."""

    def __init__(self, stack: Stack, queue_up: QueueUp, chance: random.Random) -> None:
        self.stack = stack
        self.queue_up = queue_up
        self.chance = chance
        self.jobs: list[str] = []
        self.runs: list[tuple[str, int]] = []
        """Attempts that some worker believes to hold, dead leases included."""
        self.posted: dict[str, int] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.trail: list[str] = []

    async def step(self) -> None:
        """Let one thing happen."""
        deeds = {
            self.ask: 3,
            self.dispatch: 4,
            self.begin: 5,
            self.finish: 4,
            self.give_up: 1,
            self.fall_silent: 1,
            self.cancel: 1,
            self.deliver: 4,
            self.listen: 4,
            self.reconcile: 3,
            self.trim: 1,
            self.wipe: 0.3,
            self.replay: 0.5,
        }
        [deed] = self.chance.choices(list(deeds), list(deeds.values()))
        self.trail.append(deed.__name__)
        await deed()
        await self.watch()

    async def ask(self) -> None:
        if len(self.jobs) < 12:
            user, priority = self.chance.randrange(3), self.chance.choice((-1, 0, 1))
            self.jobs.append((await self.queue_up(user_id=user, priority=priority)).id)

    async def dispatch(self) -> None:
        self.stack.serve("w1", "w2")
        await self.stack.dispatcher.dispatch()

    async def begin(self) -> None:
        if self.stack.entries():
            job_id = self.stack.pop()
            attempt = self.stack.fence.begin(job_id, f"w{self.chance.random()}")
            if not isinstance(attempt, Refusal):
                self.runs.append((job_id, attempt))

    async def finish(self) -> None:
        if self.runs:
            run = self.runs.pop(self.chance.randrange(len(self.runs)))
            failure = FailureCode.INTERNAL if self.chance.random() < 0.2 else None
            accepted = self.stack.fence.accept(self.stack.result(*run, failure))
            if not accepted and self.stack.fence.is_cancelled(run[0]):
                self.stack.fence.stop(*run)
            elif accepted and self.chance.random() < 0.7:
                await self.stack.queue.deliver(await self.stack.ledger.get(run[0]), 0)

    async def give_up(self) -> None:
        if self.runs:
            job_id, attempt = self.runs.pop(self.chance.randrange(len(self.runs)))
            reason = self.chance.choice(("died", "stalled", "drained"))
            self.stack.fence.release(
                Released(job_id=job_id, attempt=attempt, reason=reason, charged=reason != "drained")
            )

    async def fall_silent(self) -> None:
        if self.runs:
            # It stays among the runs: it may be heard of again, late.
            self.stack.lose_lease(self.chance.choice(self.runs)[0])

    async def cancel(self) -> None:
        if self.jobs:
            await self.stack.dispatcher.cancel(self.chance.choice(self.jobs))

    async def deliver(self) -> None:
        if not self.stack.entries(LANE):
            return
        job_id = self.stack.pop(LANE)
        fence = self.stack.fence
        if fence.delivery(job_id) or not fence.result(job_id) or self.chance.random() < 0.2:
            return
        if self.chance.random() < 0.1 and job_id not in self.posted:
            fence.record_undeliverable(job_id, 50001)
            return
        # The nonce, or the look at the channel, finds a message that is there.
        message_id = self.posted.setdefault(job_id, 10_000 + len(self.posted))
        if self.chance.random() < 0.9:
            fence.record_delivery(job_id, 5, message_id)

    async def listen(self) -> None:
        await self.stack.read()

    async def reconcile(self) -> None:
        await self.stack.reconciler.reconcile()

    async def trim(self) -> None:
        self.stack.redis.xtrim(EVENTS, maxlen=0)

    async def wipe(self) -> None:
        self.stack.redis.flushall()

    async def replay(self) -> None:
        await self.stack.ledger.set_cursor("0-0")
        stack = self.stack
        stack.reader = EventReader(stack.ledger, stack.news._redis, stack.news, stack.reconciler.wake)

    async def watch(self) -> None:
        """No outcome changes, and only the closed have one."""
        for job_id in self.jobs:
            state, outcome = await self.stack.state(job_id)
            assert (outcome is not None) == (state is State.CLOSED), (job_id, self.trail)
            if job_id in self.outcomes:
                assert outcome is self.outcomes[job_id], (job_id, self.trail)
            elif outcome is not None:
                self.outcomes[job_id] = outcome

    async def calm_down(self) -> None:
        """From here on everything works."""
        for _ in range(100):
            for deed in (self.dispatch, self.begin, self.finish, self.listen, self.reconcile, self.deliver):
                await deed()
            await self.watch()
            if len(self.outcomes) == len(self.jobs):
                return
        raise AssertionError(f"open for ever: {await self.stack.ledger.open_jobs()}")


@pytest.mark.parametrize("seed", range(8))
async def test_every_job_ends_once(stack: Stack, queue_up: QueueUp, seed: int) -> None:
    """Through random deaths, silences, cancels, trims, wipes and replays each job ends in one way, and cancelled ones
    are never posted."""
    world = World(stack, queue_up, random.Random(seed))
    for _ in range(STEPS):
        await world.step()
    await world.calm_down()
    ended = {outcome: {job for job, how in world.outcomes.items() if how is outcome} for outcome in Outcome}
    assert sum(map(len, ended.values())) == len(world.jobs)
    assert not ended[Outcome.CANCELLED] & set(world.posted)
    for job_id in ended[Outcome.DELIVERED] | ended[Outcome.FAILED]:
        job = await stack.ledger.get(job_id)
        assert job is not None
        if job.undeliverable_code is None:
            assert job.result_message_id == world.posted[job_id]
        else:
            assert (job.outcome, job_id in world.posted) == (Outcome.FAILED, False)
