"""The outbox: when the first send began, and a result taken back once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from flux2.models import find
from flux2.request import settle
from sandbox.redis_server import RedisServer
from worker.contract import (
    EVENT,
    EVENTS,
    Destination,
    FailureCode,
    Finished,
    Released,
    RenderJob,
    RenderResult,
    Skeleton,
    job_key,
)
from worker.fence import Fence
from worker.outbox import Outbox

JOB = "00112233445566aa"


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    """A client with a dispatched job in its Redis."""
    with Redis.from_url(redis_server.url) as client:
        request, _ = settle(find("sample"), "a red fox", seed=1)
        skeleton = Skeleton(content="", nonce="r", file_stem="f", file_size_limit=1, failure_nonce="n")
        job = RenderJob(job_id=JOB, request=request, skeleton=skeleton, destination=Destination(channel_id=1))
        client.set(job_key(JOB), job.model_dump_json())
        yield client


def _accepted(fence: Fence) -> RenderResult:
    attempt = fence.begin(JOB, "gpu-1")
    assert isinstance(attempt, int)
    result = RenderResult(job_id=JOB, attempt=attempt, seconds=1.5)
    assert fence.accept(result)
    return result


def _last_event(redis: Redis) -> object:
    [(_, fields)] = redis.xrevrange(EVENTS, count=1)
    return EVENT.validate_json(fields[b"event"])


def test_the_clock_starts_with_the_first_question_and_runs_on(redis: Redis) -> None:
    """The first age is zero; later ages count from then, for every process."""
    assert Outbox(redis).age(JOB) == 0
    time.sleep(0.05)
    assert 0 < Outbox(redis).age(JOB) <= Outbox(redis).age(JOB)


def test_a_result_is_taken_back_once_and_the_job_can_run_again(redis: Redis) -> None:
    """The first discard clears the result, announces a charged release, and lets a new attempt be accepted."""
    fence, outbox = Fence(redis), Outbox(redis)
    first = _accepted(fence)
    assert outbox.discard(JOB)
    assert fence.result(JOB) is None
    assert _last_event(redis) == Released(job_id=JOB, attempt=1, reason="blob_missing", charged=True)
    assert not fence.accept(first), "a straggler of the discarded attempt got in"
    assert _accepted(fence).attempt == 2


def test_a_second_loss_becomes_a_failure_that_can_be_told(redis: Redis) -> None:
    """The second discard puts a BLOB_MISSING failure in the result's place and announces it."""
    fence, outbox = Fence(redis), Outbox(redis)
    _accepted(fence)
    outbox.discard(JOB)
    _accepted(fence)
    assert not outbox.discard(JOB)
    result = fence.result(JOB)
    assert result is not None
    assert result.failure is FailureCode.BLOB_MISSING
    assert _last_event(redis) == Finished(job_id=JOB, attempt=2, seconds=1.5, failure=FailureCode.BLOB_MISSING)


def test_a_result_taken_back_elsewhere_is_not_counted_again(redis: Redis) -> None:
    """Without a result there is nothing to discard: the call agrees that the job runs again and announces nothing."""
    before = redis.xlen(EVENTS)
    assert Outbox(redis).discard(JOB)
    assert Outbox(redis).discard(JOB)
    assert redis.xlen(EVENTS) == before
