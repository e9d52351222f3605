"""Dispatching: shallow queues, nothing lost when Redis fails, nothing doubled when only its reply was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import RedisError
from rq.serializers import JSONSerializer

from bot.dispatcher import CancelResult
from bot.ledger.job import Job, Outcome, State
from bot.running import end
from worker.allowlist import AllowedJob
from worker.contract import Heartbeat, RenderJob, Stopped
from worker.fence import Refusal
from worker.heartbeat import Beacon

QueueUp = Callable[..., Awaitable[Job]]
Stack = Any


async def test_a_queue_holds_one_more_than_there_are_gpus(stack: Stack, queue_up: QueueUp) -> None:
    """With two GPUs three jobs are sent, of however many wait; one that ends makes room for one."""
    for user in range(10):
        await queue_up(user_id=user)
    stack.serve("w1", "w2")
    assert await stack.dispatcher.dispatch() == 3
    assert await stack.dispatcher.dispatch() == 0
    job_id, attempt = stack.begin()
    await stack.read()
    assert await stack.dispatcher.dispatch() == 0
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    assert await stack.dispatcher.dispatch() == 1
    assert len(stack.entries()) == 3


async def test_without_a_worker_nothing_is_sent(stack: Stack, queue_up: QueueUp) -> None:
    """Nobody alive, still loading, draining or of another model: the job keeps its turn in the ledger."""
    job = await queue_up()
    stack.serve("w1", model="other")
    model = (await stack.fleet.models())["other"].model_copy(update={"name": "sample"})
    for name, state in (("w2", "loading"), ("w3", "draining"), ("w4", "sick")):
        Beacon(stack.redis).beat(Heartbeat(name=name, role="gpu", state=state, model=model))
    assert await stack.dispatcher.dispatch() == 0
    assert await stack.state(job.id) == (State.WAITING, None)
    stack.serve("w5")
    assert await stack.dispatcher.dispatch() == 1


async def test_what_is_sent_is_what_workers_call(stack: Stack, queue_up: QueueUp) -> None:
    """The entry names the render task with the job id alone, as JSON, and the job's own key holds the whole job."""
    job = await queue_up(notes=("Size snapped.",))
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    assert stack.entries() == [f"{job.id}-r1"]
    entry = AllowedJob.fetch(f"{job.id}-r1", connection=stack.redis, serializer=JSONSerializer)
    assert (entry.task(), entry.description) == (("worker.tasks.render", job.id), job.id)
    assert (entry.result_ttl, entry.failure_ttl, entry.retries_left, entry.timeout) == (0, 0, None, 3600)
    written = stack.fence.job(job.id)
    assert written == RenderJob(
        job_id=job.id, request=job.request, skeleton=job.skeleton, destination=job.destination, notes=job.notes
    )
    assert stack.moves


async def test_paused_sends_nothing(stack: Stack, queue_up: QueueUp) -> None:
    """A pause keeps everything in the ledger; going on sends it."""
    await queue_up()
    stack.serve("w1")
    await stack.ledger.set_paused("cooling", by=1)
    assert await stack.dispatcher.dispatch() == 0
    await stack.ledger.set_paused(None, by=1)
    assert await stack.dispatcher.dispatch() == 1


async def test_a_second_member_starts_after_what_is_on_the_queue(stack: Stack, queue_up: QueueUp) -> None:
    """One member has 200 waiting, another comes with one: it is sent right after the jobs already on RQ."""
    for _ in range(200):
        await queue_up(user_id=1)
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    already = stack.entries()
    single = await queue_up(user_id=2)
    job_id, attempt = stack.begin()
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    await stack.dispatcher.dispatch()
    assert len(already) == 2
    assert stack.entries() == [already[1], f"{single.id}-r1"]


async def test_redis_down_at_dispatch_loses_and_doubles_nothing(stack: Stack, queue_up: QueueUp) -> None:
    """Redis dies between the pick and the enqueue: the job waits again, and is sent exactly once when it is back."""
    job = await queue_up()
    stack.serve("w1")
    stack.ledger.set_gpus({"sample": 1})
    stack.server.kill()
    try:
        picked = await stack.ledger.pick("sample", 2)
        with pytest.raises(RedisError):
            await stack.dispatcher._send(picked)
        assert await stack.state(job.id) == (State.WAITING, None)
    finally:
        stack.server.start()
    stack.serve("w1")
    assert await stack.dispatcher.dispatch() == 1
    assert await stack.dispatcher.dispatch() == 0
    assert stack.entries() == [f"{job.id}-r1"]


async def test_the_loop_outlives_redis(stack: Stack, queue_up: QueueUp) -> None:
    """The running dispatcher meets a dead Redis, backs off without spinning, and sends when it is back."""
    job = await queue_up()
    stack.server.kill()
    running = asyncio.create_task(stack.dispatcher.run())
    try:
        await asyncio.sleep(0.5)
        stack.server.start()
        stack.serve("w1")
        async with asyncio.timeout(60):
            while not stack.entries():
                stack.dispatcher.wake()
                await asyncio.sleep(0.05)
        assert stack.entries() == [f"{job.id}-r1"]
    finally:
        await end([running])


async def dispatch_without_reply(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dispatch one job whose entry reaches Redis while the line breaks before the answer."""
    whole = stack.queue.render

    async def loses_the_reply(job: Job) -> None:
        await whole(job)
        raise Unreachable("connection reset by peer")

    with monkeypatch.context() as patch:
        patch.setattr(stack.queue, "render", loses_the_reply)
        with pytest.raises(Unreachable):
            await stack.dispatcher.dispatch()


async def test_a_lost_reply_leaves_one_copy(stack: Stack, queue_up: QueueUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry arrived but the reply did not: the next dispatch finds it there and takes that for success."""
    job = await queue_up()
    stack.serve("w1")
    await dispatch_without_reply(stack, monkeypatch)
    assert await stack.state(job.id) == (State.WAITING, None)
    assert await stack.dispatcher.dispatch() == 1
    assert stack.entries() == [f"{job.id}-r1"]


async def test_a_copy_that_ran_meanwhile_is_not_sent_again(
    stack: Stack, queue_up: QueueUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply was lost, a worker was quick: its news moves the waiting job on, and nothing is dispatched twice."""
    job = await queue_up()
    stack.serve("w1")
    await dispatch_without_reply(stack, monkeypatch)
    job_id, attempt = stack.begin()
    await stack.read()
    assert await stack.state(job.id) == (State.RUNNING, None)
    assert await stack.dispatcher.dispatch() == 0
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    assert await stack.state(job.id) == (State.DELIVERING, None)


async def test_cancel_before_dispatch(stack: Stack, queue_up: QueueUp) -> None:
    """A waiting job is dropped at once, whoever presses again is told that nothing is left to cancel."""
    job = await queue_up()
    assert await stack.dispatcher.cancel(job.id) is CancelResult.DROPPED
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)
    assert await stack.dispatcher.cancel(job.id) is CancelResult.TOO_LATE
    with pytest.raises(KeyError):
        await stack.dispatcher.cancel("f" * 16)


async def test_cancel_on_the_queue(stack: Stack, queue_up: QueueUp) -> None:
    """A dispatched job nobody popped is taken off RQ and closed; the GPU never sees it."""
    job, other = await queue_up(), await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    assert await stack.dispatcher.cancel(job.id) is CancelResult.DROPPED
    assert stack.entries() == [f"{other.id}-r1"]
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)
    assert stack.fence.begin(job.id, "w1") is Refusal.CANCELLED


async def test_cancel_while_running(stack: Stack, queue_up: QueueUp) -> None:
    """A running job is flagged; it is closed when its worker says that it stopped, and no result can come."""
    job = await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    job_id, attempt = stack.begin()
    await stack.read()
    assert await stack.dispatcher.cancel(job.id) is CancelResult.STOPPING
    assert await stack.dispatcher.cancel(job.id) is CancelResult.STOPPING
    assert stack.fence.is_cancelled(job_id)
    assert not stack.fence.accept(stack.result(job_id, attempt))
    stack.fence.stop(job_id, attempt)
    await stack.read()
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)
    assert isinstance(stack.told[-1][1], Stopped)


async def test_cancel_after_the_result(stack: Stack, queue_up: QueueUp) -> None:
    """A job whose result is accepted, known to the ledger yet or not, is delivered."""
    job = await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    job_id, attempt = stack.begin()
    await stack.read()
    stack.fence.accept(stack.result(job_id, attempt))
    assert await stack.dispatcher.cancel(job.id) is CancelResult.TOO_LATE
    unmoved = await stack.ledger.get(job.id)
    assert unmoved is not None
    assert not unmoved.cancel_requested
    await stack.read()
    assert await stack.dispatcher.cancel(job.id) is CancelResult.TOO_LATE
    assert await stack.state(job.id) == (State.DELIVERING, None)


async def test_cancel_while_redis_is_down(stack: Stack, queue_up: QueueUp) -> None:
    """The wish is kept in the ledger; the reconciler carries it out when Redis is back."""
    job = await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    stack.begin()
    await stack.read()
    stack.server.kill()
    try:
        assert await stack.dispatcher.cancel(job.id) is CancelResult.STOPPING
    finally:
        stack.server.start()
    assert not stack.fence.is_cancelled(job.id)
    await stack.reconciler.reconcile()
    assert stack.fence.is_cancelled(job.id)
