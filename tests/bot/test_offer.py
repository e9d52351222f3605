"""What members are offered while Redis is away, and when many ask at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis import Redis

from bot.fleet import Fleet, connect
from bot.offer import Offer
from bot.refusal import Refusal
from flux2.models import REGISTRY
from sandbox.redis_server import RedisServer
from worker.contract import Heartbeat
from worker.heartbeat import Beacon


async def test_the_last_look_stands_while_redis_is_away(tmp_path: Path) -> None:
    """A model seen a moment ago can be asked for without Redis; a bot that never saw one says what to do."""
    with RedisServer(tmp_path) as server:
        with Redis.from_url(server.url) as redis:
            Beacon(redis).beat(Heartbeat(name="w", role="gpu", state="idle", model=REGISTRY["sample"]))
        client = connect(server.url)
        offer, stranger = Offer(Fleet(client), "sample"), Offer(Fleet(client), "sample")
        assert (await offer.choose(None)).name == "sample"
        server.kill()
        assert (await offer.choose(None)).name == "sample"
        with pytest.raises(Refusal, match="try again"):
            await stranger.choose(None)
        await client.aclose()


async def test_a_rush_of_askers_is_answered(redis_server: RedisServer) -> None:
    """More who ask at once than there are connections wait for one; none is turned away."""
    with Redis.from_url(redis_server.url) as redis:
        Beacon(redis).beat(Heartbeat(name="w", role="gpu", state="idle", model=REGISTRY["sample"]))
    client = connect(redis_server.url)
    offer, fleet = Offer(Fleet(client), "sample"), Fleet(client)
    chosen = await asyncio.gather(*(offer.choose(None) for _ in range(100)))
    assert {model.name for model in chosen} == {"sample"}
    found = await asyncio.gather(*(fleet.workers() for _ in range(100)))
    assert {len(workers) for workers in found} == {1}
    await client.aclose()
