"""The fleet as the bot sees it: who is alive, which models are offered, how many GPUs count."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis import Redis

from bot.fleet import Fleet, connect
from flux2.models import REGISTRY
from sandbox.redis_server import RedisServer
from worker.contract import WORKERS, Heartbeat, model_key, worker_key
from worker.heartbeat import Beacon


@pytest.fixture
async def fleet(redis_server: RedisServer) -> AsyncIterator[Fleet]:
    """The fleet of an empty Redis."""
    redis = connect(redis_server.url)
    yield Fleet(redis)
    await redis.aclose()


@pytest.fixture
def redis(redis_server: RedisServer) -> Redis:
    """What workers write with."""
    return Redis.from_url(redis_server.url)


def beat(redis: Redis, name: str, **fields: object) -> None:
    """Let a worker be alive."""
    given: dict[str, object] = {"role": "gpu", "state": "idle", "model": REGISTRY["sample"]}
    Beacon(redis).beat(Heartbeat.model_validate({"name": name, **given, **fields}))


async def test_nobody(fleet: Fleet) -> None:
    """An empty Redis has no workers, no models and no GPUs."""
    assert await fleet.workers() == []
    assert await fleet.models() == {}
    assert await fleet.gpus("sample") == 0


async def test_only_gpus_that_take_jobs_count(fleet: Fleet, redis: Redis) -> None:
    """Idle and busy workers count, each for its model; loading, draining, sick and io ones do not."""
    for number, state in enumerate(("idle", "busy", "loading", "draining", "sick")):
        beat(redis, f"w{number}", state=state)
    beat(redis, "other", model=REGISTRY["klein-4b"])
    beat(redis, "io", role="io", model=None)
    assert await fleet.gpus_by_model() == {"sample": 2, "klein-4b": 1}
    assert [worker.name for worker in await fleet.workers()] == ["io", "other", "w0", "w1", "w2", "w3", "w4"]


async def test_a_model_is_offered_for_a_while_after_its_last_worker(fleet: Fleet, redis: Redis) -> None:
    """A worker that is gone takes its GPU along at once; its model stays until its key expires."""
    beat(redis, "w1")
    redis.delete(worker_key("w1"))
    assert await fleet.gpus("sample") == 0
    assert list(await fleet.models()) == ["sample"]
    assert 590 < redis.ttl(model_key("sample")) <= 600
    redis.delete(model_key("sample"))
    assert await fleet.models() == {}


async def test_a_model_given_by_path_is_offered(fleet: Fleet, redis: Redis) -> None:
    """A model that no registry knows is found by its worker, and by a bot that starts after that worker left."""
    beat(redis, "w1", model=REGISTRY["sample"].model_copy(update={"name": "my-own"}))
    redis.delete(worker_key("w1"))
    assert list(await fleet.models()) == ["my-own"]
    beat(redis, "w2", model=REGISTRY["sample"].model_copy(update={"name": "later"}))
    assert list(await fleet.models()) == ["later", "my-own"]


async def test_an_unreadable_heartbeat_hides_nobody_else(fleet: Fleet, redis: Redis) -> None:
    """A newer worker's heartbeat is left out; the others are seen."""
    beat(redis, "w1")
    redis.set(worker_key("w2"), '{"name":"w2","colour":"blue"}')
    redis.zadd(WORKERS, {"w2": 1})
    assert [worker.name for worker in await fleet.workers()] == ["w1"]
