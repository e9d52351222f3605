"""The fence, on a real Redis: one accepted result per job whatever races, and no event twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from redis import Redis

from flux2.request import GenerationRequest
from sandbox.redis_server import RedisServer
from worker.contract import (
    EVENT,
    EVENTS,
    LEASE_S,
    SCHEMA_VERSION,
    Delivered,
    Destination,
    Event,
    FailureCode,
    Finished,
    Released,
    RenderJob,
    RenderResult,
    Skeleton,
    Started,
    Stopped,
    job_key,
    lease_key,
    run_key,
)
from worker.fence import CANCEL_LUA, Delivery, Fence, Hold, Refusal

JOB = "0123456789abcdef"


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
def fence(client: Redis) -> Fence:
    job = RenderJob(
        job_id=JOB,
        request=GenerationRequest(
            model="sample", prompt="a fox “quoted” {braces}", width=128, height=128, num_inference_steps=4, seed=1
        ),
        skeleton=Skeleton(
            content="x", nonce=f"r{JOB}", file_stem=f"flux2-{JOB}", file_size_limit=10, failure_nonce=f"n{JOB}"
        ),
        destination=Destination(channel_id=1),
    )
    client.set(job_key(JOB), job.model_dump_json())
    return Fence(client)


def begin(fence: Fence, worker: str = "w1") -> int:
    attempt = fence.begin(JOB, worker)
    assert isinstance(attempt, int)
    return attempt


def result(attempt: int, seconds: float = 1.0) -> RenderResult:
    return RenderResult(job_id=JOB, attempt=attempt, seconds=seconds)


def events(client: Redis) -> list[Event]:
    return [EVENT.validate_json(fields[b"event"]) for _, fields in client.xrange(EVENTS)]


def cancel(client: Redis) -> int:
    return int(client.eval(CANCEL_LUA, 1, run_key(JOB)))


def died(attempt: int, *, charged: bool = True) -> Released:
    return Released(job_id=JOB, attempt=attempt, reason="died", charged=charged)


def test_begin_takes_the_lease_and_announces(fence: Fence, client: Redis) -> None:
    """The first attempt is 1, holds a lease of LEASE_S seconds, and is announced with the worker's name."""
    assert begin(fence) == 1
    assert client.get(lease_key(JOB)) == b"1"
    assert 0 < client.ttl(lease_key(JOB)) <= LEASE_S
    assert events(client) == [Started(job_id=JOB, attempt=1, worker="w1")]


def test_a_leased_job_is_refused_to_others_only(fence: Fence, client: Redis) -> None:
    """A second worker is refused while the lease lives; the same one, whose reply was lost, gets its attempt again."""
    begin(fence)
    assert fence.begin(JOB, "w2") is Refusal.LEASED
    assert begin(fence, "w1") == 1
    assert client.hget(run_key(JOB), "starts") == b"1"
    assert len(events(client)) == 1


def test_missing_newer_done_and_cancelled_are_refused(fence: Fence, client: Redis) -> None:
    """Each reason not to run has its own answer, and none of them raises the attempt."""
    assert fence.begin("ffffffffffffffff", "w1") is Refusal.MISSING
    body = client.get(job_key(JOB))
    client.set(job_key(JOB), f'{{"schema_version":{SCHEMA_VERSION + 1},"what":"ever"}}')
    assert fence.begin(JOB, "w1") is Refusal.NEWER
    assert client.hget(run_key(JOB), "attempt") is None
    client.set(job_key(JOB), body)
    assert fence.accept(result(begin(fence)))
    assert fence.begin(JOB, "w2") is Refusal.DONE


@pytest.mark.parametrize("body", ["not json", '"a string"', "[1]", '{"schema_version": "one"}'])
def test_a_body_that_makes_no_sense_still_begins(fence: Fence, client: Redis, body: str) -> None:
    """Whoever cannot read it ends it with a failure; a script error here would be tried again for ever."""
    client.set(job_key(JOB), body)
    assert begin(fence) == 1


def test_a_job_cancelled_while_queued_is_refused_and_said(fence: Fence, client: Redis) -> None:
    """A worker that pops a cancelled job tells the bot, which would otherwise wait for it for ever."""
    assert cancel(client) == 1
    assert fence.begin(JOB, "w1") is Refusal.CANCELLED
    assert events(client) == [Stopped(job_id=JOB, attempt=0)]


def test_one_of_many_concurrent_accepts_wins(fence: Fence, client: Redis, redis_server: RedisServer) -> None:
    """Twenty attempts that all believe they hold the job end in exactly one accepted result and one Finished."""
    attempt = begin(fence)
    barrier = Barrier(20)

    def race(number: int) -> bool:
        with Redis.from_url(redis_server.url) as mine:
            barrier.wait()
            return Fence(mine).accept(result(attempt if number == 7 else number + 100, seconds=float(number)))

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(race, range(20))) == 1
    accepted = fence.result(JOB)
    assert accepted is not None
    assert accepted.seconds == 7.0
    assert [event for event in events(client) if isinstance(event, Finished)] == [
        Finished(job_id=JOB, attempt=attempt, seconds=7.0)
    ]


def test_a_stale_attempt_is_refused(fence: Fence, client: Redis) -> None:
    """A worker that slept through its lease loses to the one that began after it."""
    old = begin(fence, "w1")
    client.delete(lease_key(JOB))  # what 20 silent seconds do
    new = begin(fence, "w2")
    assert new == old + 1
    assert fence.refresh(JOB, old) is Hold.LOST
    assert not fence.accept(result(old))
    assert not fence.release(died(old))
    assert fence.accept(result(new))


def test_an_accept_repeated_after_a_lost_reply_is_true_and_quiet(fence: Fence, client: Redis) -> None:
    """The winner may ask again and hears that it won; nothing is announced twice and the first result stays."""
    attempt = begin(fence)
    assert fence.accept(result(attempt, 1.0))
    assert fence.accept(result(attempt, 2.0))
    accepted = fence.result(JOB)
    assert accepted is not None
    assert accepted.seconds == 1.0
    assert len([event for event in events(client) if isinstance(event, Finished)]) == 1
    assert not client.exists(lease_key(JOB))


def test_a_cancelled_job_takes_no_result(fence: Fence, client: Redis) -> None:
    """Once the flag is set the running attempt sees it, its result is refused, and stopping is announced once."""
    attempt = begin(fence)
    assert not fence.is_cancelled(JOB)
    assert cancel(client) == 1
    assert fence.is_cancelled(JOB)
    assert fence.refresh(JOB, attempt) is Hold.CANCELLED
    assert not fence.accept(result(attempt))
    assert fence.stop(JOB, attempt)
    assert not fence.stop(JOB, attempt)
    assert [event for event in events(client) if isinstance(event, Stopped)] == [Stopped(job_id=JOB, attempt=attempt)]
    assert not client.exists(lease_key(JOB))


def test_cancel_comes_too_late_after_the_result(fence: Fence, client: Redis) -> None:
    """A finished job is delivered, not cancelled."""
    assert fence.accept(result(begin(fence)))
    assert cancel(client) == 0
    assert not fence.is_cancelled(JOB)


def test_a_released_attempt_is_over(fence: Fence, client: Redis) -> None:
    """After release the token is void: no lease, no result, and a repeated release says nothing more."""
    attempt = begin(fence)
    assert fence.release(died(attempt))
    assert not fence.release(died(attempt))
    assert not fence.accept(result(attempt))
    assert fence.refresh(JOB, attempt) is Hold.LOST
    assert not client.exists(lease_key(JOB))
    assert [event for event in events(client) if isinstance(event, Released)] == [died(attempt)]
    assert begin(fence, "w2") == attempt + 1


def test_the_third_start_is_quarantined(fence: Fence, client: Redis) -> None:
    """A job two workers died over is not run again: it gets a failure of its own."""
    for number in (1, 2):
        assert fence.release(died(begin(fence, f"w{number}")))
    assert fence.begin(JOB, "w3") is Refusal.POISONED
    accepted = fence.result(JOB)
    assert accepted == RenderResult(job_id=JOB, attempt=3, seconds=0.0, failure=FailureCode.POISONED)
    assert events(client)[-1] == Finished(job_id=JOB, attempt=3, seconds=0.0, failure=FailureCode.POISONED)
    assert not client.exists(lease_key(JOB))


def test_uncharged_releases_never_quarantine(fence: Fence) -> None:
    """Ten drains in a row cost the member nothing."""
    for number in range(10):
        assert fence.release(died(begin(fence, f"w{number}"), charged=False))
    assert begin(fence) == 11


def test_a_wiped_run_is_claimed_by_whoever_still_works_on_it(fence: Fence, client: Redis) -> None:
    """Redis lost everything, the bot wrote the job again: the attempt under way keeps its lease and its result."""
    attempt = begin(fence)
    client.delete(run_key(JOB), lease_key(JOB))
    assert fence.refresh(JOB, attempt) is Hold.HELD
    client.delete(run_key(JOB), lease_key(JOB))
    assert fence.accept(result(attempt))


def test_a_forgotten_job_takes_no_result(fence: Fence, client: Redis) -> None:
    """When the bot closed a job and deleted its keys, a straggler cannot bring it back to life."""
    attempt = begin(fence)
    client.delete(job_key(JOB), run_key(JOB), lease_key(JOB))
    assert fence.refresh(JOB, attempt) is Hold.LOST
    assert not fence.accept(result(attempt))
    assert not client.exists(run_key(JOB))


def test_the_first_delivery_stays(fence: Fence, client: Redis) -> None:
    """A second delivery of the same job learns the first message's id, exact to the last digit, and re-announces it."""
    first = Delivery(channel_id=1311111111111111119, message_id=1322222222222222227)
    assert fence.delivery(JOB) is None
    assert fence.record_delivery(JOB, first.channel_id, first.message_id) == first
    assert fence.record_delivery(JOB, 5, 6) == first
    assert fence.delivery(JOB) == first
    said = Delivered(job_id=JOB, channel_id=first.channel_id, message_id=first.message_id)
    assert events(client) == [said, said]


def test_deferral_is_in_the_future_by_redis_own_clock(fence: Fence, client: Redis) -> None:
    """`deliver_after` is now + seconds as Redis counts them, whatever this host's clock says."""
    fence.defer_delivery(JOB, 90)
    now, _ = client.time()
    until = client.hget(run_key(JOB), "deliver_after")
    assert until is not None
    assert 85 <= float(until) - now <= 90
