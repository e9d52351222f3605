"""Reconciling: whatever Redis forgot or a host took with it, every open job is run or delivered in the end, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from bot import reconciler as reconciling
from bot.ledger.job import Caps, Job, NewJob, Outcome, Reach, State, Status
from bot.ledger.rows import now
from bot.reconciler import Reconciler
from bot.running import end
from worker.contract import Answer, Released, answer_key, deliver_queue, job_key, lease_key, run_key
from worker.fence import Hold
from worker.outbox import Outbox

QueueUp = Callable[..., Awaitable[Job]]
Stack = Any
LANE = deliver_queue(2 << 22)


async def running(stack: Stack, queue_up: QueueUp) -> tuple[str, int]:
    """Let a job run, as the ledger knows."""
    await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    begun: tuple[str, int] = stack.begin()
    await stack.read()
    return begun


async def finished(stack: Stack, queue_up: QueueUp) -> str:
    """Let a job have its result, and nobody deliver it."""
    job_id, attempt = await running(stack, queue_up)
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    return job_id


async def test_what_redis_knows_is_left_alone(stack: Stack, queue_up: QueueUp) -> None:
    """Jobs on a queue, under a lease, on a lane or put off are not touched, however often one looks."""
    job_id = await finished(stack, queue_up)
    await stack.queue.deliver(await stack.ledger.get(job_id), 0)
    deferred = await finished(stack, queue_up)
    stack.fence.defer_delivery(deferred, 60)
    await running(stack, queue_up)
    await queue_up()
    await stack.dispatcher.dispatch()
    before = [await stack.ledger.open_jobs(), stack.entries(), stack.entries(LANE)]
    for _ in range(3):
        await stack.reconciler.reconcile()
    assert [await stack.ledger.open_jobs(), stack.entries(), stack.entries(LANE)] == before


async def test_a_killed_host_costs_one_lease(stack: Stack, queue_up: QueueUp) -> None:
    """A running job whose lease is gone waits again and is sent as the next attempt, once."""
    job_id, _ = await running(stack, queue_up)
    stack.lose_lease(job_id)
    await stack.reconciler.reconcile()
    assert await stack.state(job_id) == (State.WAITING, None)
    await stack.dispatcher.dispatch()
    await stack.reconciler.reconcile()
    assert stack.entries() == [f"{job_id}-r2"]
    assert stack.begin("w2") == (job_id, 2)
    assert isinstance(stack.told[-1][1], Released)


@pytest.fixture
def pass_time(stop_clock: Callable[[ModuleType], Callable[[float], None]]) -> Callable[[float], None]:
    """Lets so many seconds pass for the reconciler, and none by themselves."""
    return stop_clock(reconciling)


async def test_one_look_is_not_enough(stack: Stack, queue_up: QueueUp, pass_time: Callable[[float], None]) -> None:
    """A lease that is missing once, and back at the second look, costs nothing."""
    job_id, attempt = await running(stack, queue_up)
    patient = Reconciler(stack.ledger, stack.queue, stack.news, stack.dispatcher, interval_s=15)
    stack.lose_lease(job_id)
    await patient.reconcile()
    assert await stack.state(job_id) == (State.RUNNING, None)
    assert stack.fence.refresh(job_id, attempt) is Hold.HELD
    pass_time(reconciling.GRACE_S)
    await patient.reconcile()
    assert await stack.state(job_id) == (State.RUNNING, None)
    stack.lose_lease(job_id)
    await patient.reconcile()
    assert await stack.state(job_id) == (State.RUNNING, None)
    pass_time(reconciling.GRACE_S)
    await patient.reconcile()
    assert await stack.state(job_id) == (State.WAITING, None)


def test_a_killed_host_is_noticed_in_time() -> None:
    """Lease, interval and grace together stay below 45 s, with time left to load nothing and begin."""
    assert 20 + 15 + reconciling.GRACE_S <= 42


async def test_a_host_that_only_slept_may_still_finish(stack: Stack, queue_up: QueueUp) -> None:
    """Its lease was lost and the job put back, but nobody began it: the sleeper's result is accepted, and run once."""
    job_id, attempt = await running(stack, queue_up)
    stack.lose_lease(job_id)
    await stack.reconciler.reconcile()
    await stack.dispatcher.dispatch()
    assert stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    assert await stack.state(job_id) == (State.DELIVERING, None)
    assert str(stack.fence.begin(stack.pop(), "w2")) == "done"


async def test_a_sleeper_does_not_overtake_its_successor(stack: Stack, queue_up: QueueUp) -> None:
    """Once a second attempt began, the first one's result and news count for nothing."""
    job_id, attempt = await running(stack, queue_up)
    stack.lose_lease(job_id)
    await stack.reconciler.reconcile()
    await stack.dispatcher.dispatch()
    second = stack.begin("w2")
    await stack.read()
    assert not stack.fence.accept(stack.result(job_id, attempt))
    assert not stack.fence.release(Released(job_id=job_id, attempt=attempt, reason="stalled", charged=True))
    await stack.read()
    assert await stack.state(job_id) == (State.RUNNING, None)
    assert stack.fence.accept(stack.result(*second))


async def test_a_result_whose_news_was_lost(stack: Stack, queue_up: QueueUp) -> None:
    """An accepted result is found although its event never came, and a delivery is enqueued for it."""
    job_id, attempt = await running(stack, queue_up)
    stack.fence.accept(stack.result(job_id, attempt))
    await stack.reconciler.reconcile()
    assert await stack.state(job_id) == (State.DELIVERING, None)
    await stack.reconciler.reconcile()
    assert stack.entries(LANE) == [f"{job_id}-d1"]
    await stack.read()
    assert await stack.state(job_id) == (State.DELIVERING, None)


async def test_a_message_whose_news_was_lost(stack: Stack, queue_up: QueueUp) -> None:
    """A posted message is found in Redis although its event never came; nothing is posted again."""
    job_id = await finished(stack, queue_up)
    stack.redis.hset(run_key(job_id), mapping={"channel_id": 5, "message_id": 2**60 + 1})
    await stack.reconciler.reconcile()
    job = await stack.ledger.get(job_id)
    assert job is not None
    assert (job.outcome, job.result_message_id) == (Outcome.DELIVERED, 2**60 + 1)
    assert stack.entries(LANE) == []


async def test_an_entry_lost_before_its_start(stack: Stack, queue_up: QueueUp) -> None:
    """A dispatched job that is on no list, as after a pop whose worker died, is sent again under a new name."""
    job = await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    stack.pop()
    await stack.reconciler.reconcile()
    await stack.dispatcher.dispatch()
    assert stack.entries() == [f"{job.id}-r2"]


async def test_an_entry_stuck_between_pop_and_start(
    stack: Stack, queue_up: QueueUp, pass_time: Callable[[float], None]
) -> None:
    """An entry in RQ's intermediate list counts as known for a while only, and is removed before it runs again."""
    job = await queue_up()
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    stack.redis.lmove("rq:queue:gpu:sample", "rq:queue:gpu:sample:intermediate")
    patient = Reconciler(stack.ledger, stack.queue, stack.news, stack.dispatcher, interval_s=15)
    await patient.reconcile()
    pass_time(reconciling.GRACE_S)
    await patient.reconcile()
    assert await stack.state(job.id) == (State.DISPATCHED, None)
    pass_time(reconciling.POPPED_GRACE_S - reconciling.GRACE_S)
    await patient.reconcile()
    await stack.dispatcher.dispatch()
    assert stack.entries() == [f"{job.id}-r2"]
    assert stack.redis.exists("rq:queue:gpu:sample:intermediate", f"rq:job:{job.id}-r1") == 0


async def test_a_delivery_nobody_makes_is_made(stack: Stack, queue_up: QueueUp) -> None:
    """The worker died between the accepted result and its deliver entry: the entry is made, once until it is gone."""
    job_id = await finished(stack, queue_up)
    for _ in range(3):
        await stack.reconciler.reconcile()
    assert stack.entries(LANE) == [f"{job_id}-d1"]
    stack.pop(LANE)
    await stack.reconciler.reconcile()
    assert stack.entries(LANE) == [f"{job_id}-d2"]


async def test_a_delivery_put_off_waits_its_time(stack: Stack, queue_up: QueueUp) -> None:
    """“Not now” is obeyed by Redis's clock, then the delivery is enqueued again."""
    job_id = await finished(stack, queue_up)
    stack.fence.defer_delivery(job_id, 60)
    await stack.reconciler.reconcile()
    assert stack.entries(LANE) == []
    stack.redis.hset(run_key(job_id), "deliver_after", stack.redis.time()[0])
    await stack.reconciler.reconcile()
    assert stack.entries(LANE) == [f"{job_id}-d1"]


@pytest.mark.parametrize("field", ["message_id", "channel_id", "deliver_after"])
async def test_nonsense_about_one_job_hides_no_other(stack: Stack, queue_up: QueueUp, field: str) -> None:
    """What a broken worker wrote about one job stops neither its own delivery nor that of the job after it."""
    first, second = await finished(stack, queue_up), await finished(stack, queue_up)
    stack.redis.hset(run_key(first), mapping={"channel_id": "5", "message_id": "6", field: "nonsense"})
    if field == "deliver_after":
        stack.redis.hdel(run_key(first), "message_id")
    await stack.reconciler.reconcile()
    assert sorted(stack.entries(LANE)) == sorted([f"{first}-d1", f"{second}-d1"])


async def test_a_job_that_cannot_be_mended_stops_no_other(
    stack: Stack, queue_up: QueueUp, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that breaks the mending is logged and passed over; the one after it is delivered."""
    broken, whole = await finished(stack, queue_up), await finished(stack, queue_up)
    stack.redis.hset(run_key(broken), mapping={"channel_id": "5", "message_id": str(2**63)})
    await stack.reconciler.reconcile()
    assert stack.entries(LANE) == [f"{whole}-d1"]
    assert f"job {broken} cannot be mended" in caplog.text


async def test_a_wiped_redis_forgets_nobody(stack: Stack, queue_up: QueueUp) -> None:
    """After FLUSHALL a waiting, a dispatched, a running and a delivering job are all on their way again."""
    delivering = await finished(stack, queue_up)
    run_id, _ = await running(stack, queue_up)
    sent = await queue_up()
    await stack.dispatcher.dispatch()
    waiting = await queue_up(user_id=8)
    stack.redis.flushall()
    stack.serve("w1", "w2", "w3")
    await stack.reconciler.reconcile()
    await stack.dispatcher.dispatch()
    await stack.reconciler.reconcile()
    assert sorted(stack.entries()) == sorted([f"{run_id}-r2", f"{sent.id}-r2", f"{waiting.id}-r1"])
    assert stack.entries(LANE) == [f"{delivering}-d1"]
    restored = stack.fence.result(delivering)
    assert restored is not None
    assert len(restored.pictures) == 1
    assert stack.fence.job(delivering) is not None
    for _ in range(3):
        job_id, attempt = stack.begin()
        await stack.read()
        # The fence counts from one again, and its news counts.
        assert (attempt, await stack.state(job_id)) == (1, (State.RUNNING, None))
        assert stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    assert {job.state for job in await stack.ledger.open_jobs()} == {State.DELIVERING}


async def test_a_restored_result_is_looked_for_before_it_is_posted(stack: Stack, queue_up: QueueUp) -> None:
    """Redis forgot a result that is old: the age of its first send says so, and delivery reads the channel first."""
    job_id = await finished(stack, queue_up)
    [seen] = await stack.ledger.sightings()
    stack.redis.flushall()
    await stack.reconciler._traces.restore(seen.result, 600.0)
    await stack.reconciler._traces.restore(seen.result, 0.0)
    assert Outbox(stack.redis).age(job_id) == pytest.approx(600, abs=60)
    assert not stack.fence.accept(stack.result(job_id, 5))


async def test_a_worker_that_outlived_the_wipe_goes_on(stack: Stack, queue_up: QueueUp) -> None:
    """The job is written back before its lease is judged, so its worker keeps it and its result counts."""
    job_id, attempt = await running(stack, queue_up)
    stack.redis.flushall()
    patient = Reconciler(stack.ledger, stack.queue, stack.news, stack.dispatcher, interval_s=15, grace_s=5)
    await patient.reconcile()
    assert stack.fence.refresh(job_id, attempt) is Hold.HELD
    await patient.reconcile()
    assert await stack.state(job_id) == (State.RUNNING, None)
    assert stack.fence.accept(stack.result(job_id, attempt))
    await stack.read()
    assert await stack.state(job_id) == (State.DELIVERING, None)


async def test_a_cancelled_job_that_was_lost_is_not_run_again(stack: Stack, queue_up: QueueUp) -> None:
    """The worker of a job that was to stop died before it did: the job ends as cancelled."""
    job_id, _ = await running(stack, queue_up)
    await stack.dispatcher.cancel(job_id)
    stack.lose_lease(job_id)
    await stack.reconciler.reconcile()
    assert await stack.state(job_id) == (State.CLOSED, Outcome.CANCELLED)
    assert stack.entries() == []


async def test_a_job_without_destination_goes_to_its_channel(
    stack: Stack, new_job: Callable[..., NewJob], caps: Caps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted, and the bot died before it stored where the result goes: the channel itself gets it."""
    job = await stack.ledger.accept(new_job(), caps)
    await stack.reconciler.reconcile()
    assert (await stack.ledger.get(job.id)).destination is None
    monkeypatch.setattr(reconciling, "_UNPLACED_AFTER", timedelta(0))
    await stack.reconciler.reconcile()
    placed = (await stack.ledger.get(job.id)).destination
    assert (placed.channel_id, placed.dm_user_id, placed.reply_to) == (job.channel_id, job.user_id, None)
    stack.serve("w1")
    assert await stack.dispatcher.dispatch() == 1


async def test_a_private_job_without_destination_stays_private(
    stack: Stack, new_job: Callable[..., NewJob], caps: Caps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot died before it stored where the result goes: not the channel, where all would see it, but the answer."""
    monkeypatch.setattr(reconciling, "_UNPLACED_AFTER", timedelta(0))
    expires = now() + timedelta(minutes=15)
    status = Status(30, 900, "token", expires, application_id=77, reach=Reach.PRIVATE)
    job = await stack.ledger.accept(replace(new_job(), status=status), caps)
    await stack.reconciler.reconcile()
    placed = await stack.ledger.get(job.id)
    assert placed.is_private
    assert placed.destination.by_answer
    stack.serve("w1")
    await stack.dispatcher.dispatch()
    answer = Answer(application_id=77, token="token", expires_at=expires, is_private=True)
    assert stack.fence.answer(job.id) == answer
    assert 0 < stack.redis.ttl(answer_key(job.id)) <= 15 * 60
    assert b"token" not in stack.redis.get(job_key(job.id))


async def test_keys_of_closed_jobs_expire(stack: Stack, queue_up: QueueUp) -> None:
    """A closed job's keys live for a day more and not for ever; open ones do not expire."""
    job_id = await finished(stack, queue_up)
    stack.fence.record_delivery(job_id, 5, 6)
    await stack.read()
    open_id, _ = await running(stack, queue_up)
    await stack.reconciler.reconcile()
    for key in (job_key(job_id), run_key(job_id)):
        assert 86_000 < stack.redis.ttl(key) <= 86_400
    assert stack.redis.ttl(job_key(open_id)) == -1
    assert await stack.ledger.unswept() == []


async def test_a_cancel_that_redis_missed_is_made_up_for(stack: Stack, queue_up: QueueUp) -> None:
    """A job closed as cancelled while a forgotten copy lay on RQ: the copy is refused."""
    job = await queue_up()
    picked = await stack.ledger.pick("sample", 2)
    await stack.queue.render(picked)
    await stack.ledger.unpick(picked)
    await stack.ledger.request_cancel(job.id)
    await stack.reconciler.reconcile()
    assert str(stack.fence.begin(job.id, "w1")) == "cancelled"


async def test_the_loop_mends_by_itself(stack: Stack, queue_up: QueueUp) -> None:
    """The running reconciler notices a lost lease, looks again after the grace, and goes on after Redis was away."""
    job_id, _ = await running(stack, queue_up)
    loop = Reconciler(stack.ledger, stack.queue, stack.news, stack.dispatcher, interval_s=0.3, grace_s=0.1)
    task = asyncio.create_task(loop.run())
    try:
        stack.server.kill()
        await asyncio.sleep(0.5)
        stack.server.start()
        stack.redis.delete(lease_key(job_id))
        await stack.until(job_id, State.WAITING)
    finally:
        await end([task])
