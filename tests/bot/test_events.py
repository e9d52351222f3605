"""The event stream: applied once and in order, over restarts, replays, trims and nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.events import EventReader, News
from bot.ledger.job import Job, Outcome, State
from bot.running import end
from worker.contract import (
    EVENTS,
    Delivered,
    Event,
    FailureCode,
    Finished,
    Progress,
    Released,
    Started,
    Stopped,
    Undeliverable,
    run_key,
)
from worker.outbox import Outbox

QueueUp = Callable[..., Awaitable[Job]]
Stack = Any


async def begin(stack: Stack, queue_up: QueueUp) -> tuple[str, int]:
    """Let a job be dispatched and begun, its news not read yet."""
    await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    begun: tuple[str, int] = stack.begin()
    return begun


async def test_from_start_to_message(stack: Stack, queue_up: QueueUp) -> None:
    """Started, progress, finished and delivered move the job along, and observers hear each after its commit."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.announce(Progress(job_id=job_id, attempt=attempt, phase="denoise", step=1, steps=8))
    await stack.read()
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    stack.fence.record_delivery(job_id, 5, 2**60 + 1)
    await stack.read()
    assert [(event.kind, job.state) for job, event in stack.told] == [
        ("started", State.RUNNING),
        ("progress", State.RUNNING),
        ("finished", State.DELIVERING),
        ("delivered", State.CLOSED),
    ]
    job = await stack.ledger.get(job_id)
    assert job is not None
    assert (job.outcome, job.seconds, len(job.pictures)) == (Outcome.DELIVERED, 1.5, 1)
    assert (job.result_channel_id, job.result_message_id) == (5, 2**60 + 1)
    assert job.created_at <= job.started_at <= job.finished_at


async def test_a_failure_that_was_told_is_closed_as_failed(stack: Stack, queue_up: QueueUp) -> None:
    """The notice of a failure is delivered like a picture, and the job ends as failed with its code."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.accept(stack.result(job_id, attempt, FailureCode.OUT_OF_MEMORY))
    stack.fence.record_delivery(job_id, 5, 6)
    await stack.read()
    job = await stack.ledger.get(job_id)
    assert job is not None
    assert (job.outcome, job.failure, job.pictures) == (Outcome.FAILED, FailureCode.OUT_OF_MEMORY, ())


async def test_an_undeliverable_result_is_kept(stack: Stack, queue_up: QueueUp) -> None:
    """Where no channel takes the picture, the job ends undeliverable, with Discord's code and the picture."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.accept(stack.result(job_id, attempt))
    stack.fence.record_undeliverable(job_id, 50001)
    await stack.read()
    kept = await stack.ledger.undelivered_of(7)
    assert [(job.id, job.undeliverable_code, len(job.pictures)) for job in kept] == [(job_id, 50001, 1)]


async def test_a_failure_nobody_can_be_told_of_offers_no_picture(stack: Stack, queue_up: QueueUp) -> None:
    """A notice that no channel took ends the job as failed, as its status message says; /jobs has nothing to post."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.accept(stack.result(job_id, attempt, FailureCode.OUT_OF_MEMORY))
    stack.fence.record_undeliverable(job_id, 50001)
    await stack.read()
    job = await stack.ledger.get(job_id)
    assert job is not None
    assert (job.outcome, job.failure, job.undeliverable_code) == (Outcome.FAILED, FailureCode.OUT_OF_MEMORY, 50001)
    assert await stack.ledger.undelivered_of(job.user_id) == []


async def test_a_released_job_waits_again_and_keeps_its_age(stack: Stack, queue_up: QueueUp) -> None:
    """After a death the job is the next of its member, as attempt 2, with a fence attempt of its own."""
    job_id, attempt = await begin(stack, queue_up)
    await queue_up()
    stack.fence.release(Released(job_id=job_id, attempt=attempt, reason="died", charged=True))
    await stack.read()
    assert await stack.state(job_id) == (State.WAITING, None)
    await stack.dispatcher.dispatch()
    assert stack.entries()[0] == f"{job_id}-r2"
    assert stack.begin() == (job_id, 2)


async def test_a_replay_changes_nothing(stack: Stack, queue_up: QueueUp) -> None:
    """The whole stream read again, as by a bot whose cursor was lost, moves no job and tells of no ending twice."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.release(Released(job_id=job_id, attempt=attempt, reason="died", charged=True))
    await stack.read()
    await stack.dispatcher.dispatch()
    second = stack.begin()
    await stack.read()
    running = await stack.ledger.get(job_id)
    for _ in range(2):
        await stack.ledger.set_cursor("0-0")
        await EventReader(stack.ledger, stack.news._redis, stack.news, stack.reconciler.wake).read()
        assert await stack.ledger.get(job_id) == running
    stack.fence.accept(stack.result(*second))
    stack.fence.record_delivery(job_id, 5, 6)
    await stack.read()
    closed, endings = await stack.ledger.get(job_id), len(stack.told)
    await stack.ledger.set_cursor("0-0")
    await EventReader(stack.ledger, stack.news._redis, stack.news, stack.reconciler.wake).read()
    assert await stack.ledger.get(job_id) == closed
    assert len(stack.told) == endings


async def test_a_new_reader_goes_on_where_the_old_one_stopped(stack: Stack, queue_up: QueueUp) -> None:
    """The cursor is in the ledger: after a restart only what is new is told."""
    job_id, attempt = await begin(stack, queue_up)
    await stack.read()
    stack.told.clear()
    stack.fence.accept(stack.result(job_id, attempt))
    await EventReader(stack.ledger, stack.news._redis, stack.news, stack.reconciler.wake).read()
    assert [event.kind for _, event in stack.told] == ["finished"]


@pytest.mark.parametrize(
    "late",
    [
        Started(job_id="j", attempt=1, worker="w0"),
        Progress(job_id="j", attempt=1, phase="denoise", step=1, steps=8),
        Released(job_id="j", attempt=1, reason="stalled", charged=True),
    ],
    ids=lambda event: event.kind,
)
async def test_news_of_an_old_attempt_moves_nothing(stack: Stack, queue_up: QueueUp, late: Event) -> None:
    """While attempt 2 runs, whatever attempt 1 still says is not applied and not told."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.release(Released(job_id=job_id, attempt=attempt, reason="died", charged=True))
    await stack.read()
    await stack.dispatcher.dispatch()
    stack.begin()
    await stack.read()
    before = await stack.ledger.get(job_id)
    stack.told.clear()
    await stack.news.apply(late.model_copy(update={"job_id": job_id}))
    assert await stack.ledger.get(job_id) == before
    assert stack.told == []


@pytest.mark.parametrize(
    "late",
    [
        Started(job_id="j", attempt=9, worker="w0"),
        Finished(job_id="j", attempt=9, seconds=1),
        Released(job_id="j", attempt=9, reason="died", charged=True),
        Stopped(job_id="j", attempt=9),
        Delivered(job_id="j", channel_id=1, message_id=2),
        Undeliverable(job_id="j", code=50001),
    ],
    ids=lambda event: event.kind,
)
async def test_closed_is_final(stack: Stack, queue_up: QueueUp, late: Event) -> None:
    """No event gives a closed job another outcome."""
    job = await queue_up()
    await stack.dispatcher.cancel(job.id)
    await stack.news.apply(late.model_copy(update={"job_id": job.id}))
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)


async def test_nonsense_is_skipped(stack: Stack, queue_up: QueueUp) -> None:
    """Entries that are not ours, broken, of unknown jobs or kinds do not stop what comes after them."""
    for fields in ({"event": "{"}, {"other": "1"}, {"event": '{"kind":"new","job_id":"x"}'}, {"event": "\udcff"}):
        stack.redis.xadd(EVENTS, {k: v.encode("utf-8", "surrogateescape") for k, v in fields.items()})
    stack.fence.announce(Started(job_id="f" * 16, attempt=1, worker="w"))
    job_id, _ = await begin(stack, queue_up)
    await stack.read()
    assert await stack.state(job_id) == (State.RUNNING, None)


async def test_a_failing_observer_stops_nobody(stack: Stack, queue_up: QueueUp) -> None:
    """What an observer raises is logged; the next one is told and the event stays applied."""

    class Fails:
        async def observe(self, job: Job, event: Event) -> None:
            raise ValueError("no")

    job_id, _ = await begin(stack, queue_up)
    news = News(stack.ledger, stack.news._redis, [Fails(), *stack.news._observers])
    await EventReader(stack.ledger, stack.news._redis, news, stack.reconciler.wake).read()
    assert await stack.state(job_id) == (State.RUNNING, None)
    assert [event.kind for _, event in stack.told] == ["started"]


async def test_a_trimmed_start_is_made_up_for(stack: Stack, queue_up: QueueUp) -> None:
    """The stream lost all but its newest entries: progress says that a job runs, delivery that it ended and how."""
    job_id, attempt = await begin(stack, queue_up)
    stack.redis.xtrim(EVENTS, maxlen=0)
    stack.fence.announce(Progress(job_id=job_id, attempt=attempt, phase="denoise", step=1, steps=8))
    await stack.read()
    assert await stack.state(job_id) == (State.RUNNING, None)
    stack.fence.accept(stack.result(job_id, attempt))
    stack.redis.xtrim(EVENTS, maxlen=0)
    stack.fence.record_delivery(job_id, 5, 6)
    await stack.read()
    job = await stack.ledger.get(job_id)
    assert job is not None
    assert (job.outcome, len(job.pictures)) == (Outcome.DELIVERED, 1)


async def test_a_result_taken_back_runs_again(stack: Stack, queue_up: QueueUp) -> None:
    """Pictures gone from the blobs: the job waits again without its result; gone twice, it fails."""
    job_id, attempt = await begin(stack, queue_up)
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    assert Outbox(stack.redis).discard(job_id)
    await stack.read()
    waiting = await stack.ledger.get(job_id)
    assert waiting is not None
    assert (waiting.state, waiting.pictures, waiting.seconds) == (State.WAITING, (), None)
    await stack.dispatcher.dispatch()
    stack.fence.accept(stack.result(*stack.begin()))
    await stack.read()
    assert not Outbox(stack.redis).discard(job_id)
    await stack.read()
    failed = await stack.ledger.get(job_id)
    assert failed is not None
    assert (failed.state, failed.failure) == (State.DELIVERING, FailureCode.BLOB_MISSING)


async def test_only_the_last_step_of_a_batch_is_told(stack: Stack, queue_up: QueueUp) -> None:
    """A reader that was away does not retell every step."""
    job_id, attempt = await begin(stack, queue_up)
    for step in range(1, 9):
        stack.fence.announce(Progress(job_id=job_id, attempt=attempt, phase="denoise", step=step, steps=8))
    await stack.read()
    assert [event.step for _, event in stack.told if isinstance(event, Progress)] == [8]


async def test_the_loop_outlives_redis_and_a_wiped_stream(stack: Stack, queue_up: QueueUp) -> None:
    """The running reader meets a restart and then a new stream whose entries are older than its cursor."""
    job_id, attempt = await begin(stack, queue_up)
    running = asyncio.create_task(stack.reader.run())

    try:
        await stack.until(job_id, State.RUNNING)
        stack.server.kill()
        await asyncio.sleep(0.3)
        stack.server.start()
        stack.redis.delete(EVENTS)
        body = stack.result(job_id, attempt).model_dump_json()
        stack.redis.hset(run_key(job_id), mapping={"result": body, "accepted": attempt})
        finished = Finished(job_id=job_id, attempt=attempt, seconds=1.5).model_dump_json()
        stack.redis.xadd(EVENTS, {"event": finished}, id="1-1")
        await stack.until(job_id, State.DELIVERING)
        assert stack.reconciler._woken.is_set()
    finally:
        await end([running])
