"""What workers say of themselves, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from flux2.models import REGISTRY, Model
from sandbox.redis_server import RedisServer
from worker.contract import MODEL_SEEN_S, WORKERS, Heartbeat, model_key, worker_key
from worker.heartbeat import HEARTBEAT_TTL_S, Beacon


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url) as client:
        yield client


def beat(state: str = "idle", name: str = "w") -> Heartbeat:
    return Heartbeat.model_validate({"name": name, "role": "gpu", "state": state, "model": REGISTRY["sample"]})


def test_a_beat_is_seen_whole_and_fades(client: Redis) -> None:
    """Worker and model are read back as they were, each with its own time to live, and the list has Redis's time."""
    before, _ = client.time()
    Beacon(client).beat(beat())
    assert Heartbeat.model_validate_json(client.get(worker_key("w"))) == beat()
    assert Model.model_validate_json(client.get(model_key("sample"))) == REGISTRY["sample"]
    assert 0 < client.ttl(worker_key("w")) <= HEARTBEAT_TTL_S
    assert HEARTBEAT_TTL_S < client.ttl(model_key("sample")) <= MODEL_SEEN_S
    assert before <= client.zscore(WORKERS, "w") <= client.time()[0]


def test_a_sick_worker_offers_no_model(client: Redis) -> None:
    """Members must not be promised what only a sick worker could draw."""
    Beacon(client).beat(beat("sick"))
    assert client.exists(worker_key("w"))
    assert not client.exists(model_key("sample"))


def test_leaving_is_seen_at_once_and_the_model_stays_known(client: Redis) -> None:
    """A restart of the only worker does not make the bot refuse jobs."""
    beacon = Beacon(client)
    beacon.beat(beat())
    beacon.leave("w")
    assert not client.exists(worker_key("w"))
    assert client.zcard(WORKERS) == 0
    assert client.exists(model_key("sample"))


def test_the_long_gone_leave_the_list(client: Redis) -> None:
    """Names of crashed workers do not pile up for ever."""
    client.zadd(WORKERS, {"dead": client.time()[0] - 100_000, "late": client.time()[0] - 100})
    Beacon(client).beat(beat())
    assert client.zrange(WORKERS, 0, -1) == [b"late", b"w"]
