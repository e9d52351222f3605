"""What an attempt's end is worth to the ledger: Stopped only where the member wished it, Released for all else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from flux2.request import GenerationRequest
from sandbox.redis_server import RedisServer
from worker.attempt import End, Outcome
from worker.contract import (
    EVENT,
    EVENTS,
    Destination,
    Event,
    Released,
    RenderJob,
    Skeleton,
    Started,
    Stopped,
    job_key,
    lease_key,
    run_key,
)
from worker.fence import CANCEL_LUA, Fence
from worker.patience import Patience
from worker.settlement import Settlement
from worker.shutdown import Shutdown

JOB = "5e771e5e771e5e77"


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    """The Redis of this test, with one job as the bot wrote it."""
    with Redis.from_url(redis_server.url) as redis:
        write_job(redis)
        yield redis


def write_job(redis: Redis) -> None:
    """What dispatcher and reconciler do."""
    job = RenderJob(
        job_id=JOB,
        request=GenerationRequest(model="sample", prompt="x", width=128, height=128, num_inference_steps=4, seed=1),
        skeleton=Skeleton(content="x", nonce="r", file_stem="f", file_size_limit=1, failure_nonce="n"),
        destination=Destination(channel_id=1),
    )
    redis.set(job_key(JOB), job.model_dump_json())


def settle(client: Redis, attempt: int, end: End) -> Event:
    """Settle an attempt that ended so, and return the last event there is."""
    Settlement(client, Patience(Shutdown())).settle(JOB, attempt, Outcome(end))
    ((_, fields),) = client.xrevrange(EVENTS, count=1)
    return EVENT.validate_json(fields[b"event"])


@pytest.mark.parametrize("end", [End.CANCELLED, End.IGNORED])
def test_a_run_stopped_for_a_wiped_lease_is_given_back(client: Redis, end: End) -> None:
    """Redis forgot the run, the parent stopped it, the bot wrote the job again: nobody cancelled, so it waits."""
    attempt = Fence(client).begin(JOB, "w")
    assert isinstance(attempt, int)
    client.delete(run_key(JOB), lease_key(JOB))
    released = settle(client, attempt, end)
    assert isinstance(released, Released)
    assert released.charged == (end is End.IGNORED)


@pytest.mark.parametrize("end", [End.CANCELLED, End.IGNORED, End.DIED, End.STALLED, End.DRAINED])
def test_a_cancelled_run_is_stopped_however_it_ended(client: Redis, end: End) -> None:
    """The member's wish is stronger than what became of the child."""
    attempt = Fence(client).begin(JOB, "w")
    assert isinstance(attempt, int)
    client.eval(CANCEL_LUA, 1, run_key(JOB))
    assert settle(client, attempt, end) == Stopped(job_id=JOB, attempt=attempt)


def test_an_overtaken_run_says_nothing(client: Redis) -> None:
    """The attempt that took its place is neither stopped nor given back by the end of the older one."""
    fence = Fence(client)
    old = fence.begin(JOB, "w1")
    client.delete(lease_key(JOB))
    new = fence.begin(JOB, "w2")
    assert isinstance(old, int)
    assert settle(client, old, End.CANCELLED) == Started(job_id=JOB, attempt=2, worker="w2")
    assert new == 2
    assert client.get(lease_key(JOB)) == b"2"
