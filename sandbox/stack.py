"""The whole product on one machine: a local Discord, a real Redis, the bot and its workers, on free loopback ports.

Everything it writes lies in one temporary folder; parallel stacks never meet. What it starts is what an operator
starts: `python -m bot`, `python -m worker --role gpu`, `python -m worker --role io`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import redis.asyncio as redis
from redis.exceptions import RedisError

from sandbox.processes import Child, stop_all
from sandbox.redis_server import RedisServer
from sandbox.server import SandboxServer
from worker import contract

START_S = 240.0
"""Seconds until the stack must be ready; loading real weights on a slow disk takes most of it."""


class StackDidNotStart(RuntimeError):
    """A part ended or did not get ready; the text names it and shows the end of its log."""


class Stack:
    """The running parts by name: server, redis, and the children `bot`, `io`, `gpu`, `gpu-2`, …

    Use `async with Stack(folder) as stack`, or `start` and `stop`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "sample",
        gpu_workers: int = 1,
        port: int = 0,
        redis_url: str | None = None,
        logs_to_stderr: bool = False,
        settings: dict[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self.server: SandboxServer
        self._model = model
        self._gpu_workers = gpu_workers
        self._port = port
        self._given_redis_url = redis_url
        self._logs_to_stderr = logs_to_stderr
        self._extra = settings or {}
        self._say = say
        self.redis = None if redis_url else RedisServer(folder / "redis")
        self.children: dict[str, Child] = {}

    @property
    def redis_url(self) -> str:
        """The queue's URL."""
        return self._given_redis_url or (self.redis.url if self.redis else "")

    @property
    def settings(self) -> dict[str, str]:
        """Settings of every child; tokens go only to those that need them."""
        return {
            "REDIS_URL": self.redis_url,
            "BLOB_URL": (self.folder / "blobs").as_uri(),
            "FLUX2_MODEL": self._model,
            **self._extra,
        }

    @property
    def _discord_settings(self) -> dict[str, str]:
        return {
            "DISCORD_TOKEN": self.server.world.token,
            "DISCORD_API_URL": self.server.api_url,
            "DISCORD_GATEWAY_URL": self.server.gateway_url,
        }

    async def start(self) -> Stack:
        """Start everything and wait until a member can be served. Raises StackDidNotStart or RedisUnavailable."""
        if self.redis:
            self.redis.start()  # some 20 ms, and from this thread: a child's leash is held by the thread that made it
        self.server = await SandboxServer.start(port=self._port)
        database = f"sqlite+aiosqlite:///{self.folder / 'ledger.db'}"
        self._add("bot", ("bot",), {**self._discord_settings, "DATABASE_URL": database})
        self._add("io", ("worker", "--role", "io"), self._discord_settings)
        for index in range(self._gpu_workers):
            # HF_HUB_OFFLINE: a demo never downloads weights behind somebody's back.
            self._add(f"gpu-{index + 1}" if index else "gpu", ("worker", "--role", "gpu"), {"HF_HUB_OFFLINE": "1"})
        for child in self.children.values():
            child.start()
        try:
            await self.wait_until_ready()
        except BaseException:
            await self.stop()
            raise
        return self

    def _add(self, name: str, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        log = None if self._logs_to_stderr else self.folder / "logs" / f"{name}.log"
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
        self.children[name] = Child(name, arguments, {**self.settings, **settings}, self.folder, log)

    async def wait_until_ready(self, timeout_s: float = START_S) -> None:
        """Wait until the bot has its commands and every worker takes jobs. Raises StackDidNotStart."""
        deadline = time.monotonic() + timeout_s
        said: set[str] = set()
        while waiting := await self._not_ready():
            for name, child in self.children.items():
                if child.returncode is not None:
                    shown = f".\n{child.log_tail()}" if child.log else "; its reason stands in the log above."
                    raise StackDidNotStart(f"{name} ended with status {child.returncode}{shown}")
            if time.monotonic() > deadline:
                raise StackDidNotStart(f"{', '.join(waiting)} did not get ready within {timeout_s:g} s.")
            for name in set(self.children) - waiting - said:
                said.add(name)
                self._say(f"{name} is ready")
            await asyncio.sleep(0.1)

    async def _not_ready(self) -> set[str]:
        """Names of the children that cannot serve a member yet."""
        waiting = set() if self.server.is_bot_ready else {"bot"}
        try:
            beats = await self._heartbeats()
        except (RedisError, OSError):
            return set(self.children)
        ready = [beat for beat in beats if beat.state in ("idle", "busy")]
        if not any(beat.role == "io" for beat in ready):
            waiting.add("io")
        gpus = sum(beat.role == "gpu" for beat in ready)
        names = [name for name in self.children if name.startswith("gpu")]
        return waiting | set(names[gpus:])

    async def _heartbeats(self) -> list[contract.Heartbeat]:
        async with self.connect() as client:
            names = await client.zrange(contract.WORKERS, 0, -1)
            beats = await client.mget([contract.worker_key(str(name)) for name in names]) if names else []
        return [contract.Heartbeat.model_validate_json(beat) for beat in beats if beat]

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[redis.Redis]:
        """A Redis client for looking at the queue."""
        client = redis.Redis.from_url(self.redis_url, socket_timeout=30, decode_responses=True)
        try:
            yield client
        finally:
            await client.aclose()

    async def job(self, job_id: str) -> contract.RenderJob | None:
        """The job as it was dispatched; None while it waits in the ledger."""
        async with self.connect() as client:
            raw = await client.get(contract.job_key(job_id))
        return contract.RenderJob.model_validate_json(raw) if raw else None

    async def result(self, job_id: str) -> contract.RenderResult | None:
        """The accepted result of a job, or None."""
        async with self.connect() as client:
            raw = await client.hget(contract.run_key(job_id), "result")
        return contract.RenderResult.model_validate_json(raw) if raw else None

    async def delivered_message_id(self, job_id: str) -> int | None:
        """The message a job ended in, or None while it is not posted."""
        async with self.connect() as client:
            raw = await client.hget(contract.run_key(job_id), "message_id")
        return int(raw) if raw else None

    async def stop(self) -> None:
        """Stop the children, then the server, then Redis; nothing is left running."""
        await asyncio.to_thread(stop_all, list(self.children.values()))
        if hasattr(self, "server"):
            await self.server.stop()
        if self.redis:
            await asyncio.to_thread(self.redis.stop)

    async def __aenter__(self) -> Stack:
        return await self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()
