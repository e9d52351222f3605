"""What the operator asks of a worker: obeyed once, by whoever runs when it is asked."""

from __future__ import annotations

from redis import Redis

from sandbox.redis_server import RedisServer
from worker.contract import Control, control_key
from worker.control import Orders


def test_a_restart_is_obeyed_once_and_not_by_the_next_process(redis_server: RedisServer) -> None:
    """The number growing is the wish; a worker that starts later takes it for done."""
    redis = Redis.from_url(redis_server.url)
    orders = Orders(redis, "w")
    assert [orders.look(), orders.look()] == [False, False]
    redis.set(control_key("w"), Control(restarts=1).model_dump_json())
    assert [orders.look(), orders.look()] == [True, False]
    assert not Orders(redis, "w").look()
    redis.close()


def test_a_drain_holds_until_it_is_taken_back(redis_server: RedisServer) -> None:
    """Also when what is asked cannot be read: then nothing is asked."""
    redis = Redis.from_url(redis_server.url)
    orders = Orders(redis, "w")
    redis.set(control_key("w"), Control(drains=True).model_dump_json())
    orders.look()
    assert orders.drains
    redis.set(control_key("w"), b'{"from": "the future"}')
    orders.look()
    assert not orders.drains
    redis.close()
