"""Fixtures for every folder: a real Redis, one per test process, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from sandbox.redis_server import RedisServer


@pytest.fixture(scope="session")
def _redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(_redis_process: RedisServer) -> RedisServer:
    """A running server with nothing in it; `.url` is where clients connect."""
    with Redis.from_url(_redis_process.url) as client:
        client.flushall()
    return _redis_process
