"""Fixtures of the io role: a local Discord in a thread of its own, blobs, and jobs with an accepted result."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from redis import Redis

from flux2.images import encode
from flux2.models import find
from flux2.request import OutputFormat, settle
from sandbox.message import Message
from sandbox.redis_server import RedisServer
from sandbox.server import SandboxServer
from sandbox.world import World
from worker.blobs import FileBlobs
from worker.contract import (
    EVENT,
    EVENTS,
    Destination,
    Event,
    FailureCode,
    Picture,
    RenderJob,
    RenderResult,
    Skeleton,
    job_key,
)
from worker.fence import Fence


class LocalDiscord:
    """A sandbox server on a loop in a thread, so that synchronous code can talk to it over real HTTP."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.server: SandboxServer = self.wait(SandboxServer.start())

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def do(self, change: Callable[[], object]) -> None:
        """Change the world on its own loop."""

        async def changing() -> None:
            change()

        self.wait(changing())

    def stop(self) -> None:
        """Stop server, loop and thread."""
        self.wait(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def world(self) -> World:
        """Its world."""
        return self.server.world

    def id(self, channel: str) -> int:
        """The id of a channel."""
        return self.world.channel(channel).id

    def posted(self, channel: str = "pictures") -> list[Message]:
        """What the bot has posted in a channel."""
        return [m for m in self.world.messages(self.id(channel)) if m.author.id == self.world.bot.id]

    def posts_tried(self) -> int:
        """How many Create Message calls were made."""
        return sum(call.method == "POST" and call.path.endswith("/messages") for call in self.server.calls)


@pytest.fixture
def local_discord() -> Iterator[LocalDiscord]:
    """A fresh local Discord."""
    started = LocalDiscord()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    """A client of an empty Redis."""
    with Redis.from_url(redis_server.url) as client:
        yield client


def button(label: str, custom_id: str) -> dict[str, Any]:
    """A row with one button, as raw components."""
    return {"type": 1, "components": [{"type": 2, "style": 2, "label": label, "custom_id": custom_id}]}


@dataclass
class Results:
    """Puts jobs with accepted results where delivery looks for them."""

    redis: Redis
    blobs: FileBlobs
    discord: LocalDiscord
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    def picture(self, seed: int, output_format: OutputFormat = "webp", side: int = 64) -> Picture:
        """A picture in the blobs, different for each seed."""
        image = Image.effect_mandelbrot((side, side), (-2.0, -1.5, 1.0 + seed / 100, 1.5), 90).convert("RGB")
        data = encode(image, output_format, 80)
        return Picture(
            sha256=self.blobs.put(data),
            output_format=output_format,
            width=side,
            height=side,
            size_bytes=len(data),
            seed=seed,
        )

    def job(self, pictures: int | list[Picture] = 1, failure: FailureCode | None = None, **destination: Any) -> str:
        """A dispatched job with a result: so many pictures, or a failure. Returns its id."""
        job_id = f"{next(self.numbers):016x}"
        luna = self.discord.world.user("luna").id
        place = {"channel_id": self.discord.id("pictures"), "dm_user_id": None, **destination}
        limit = place.pop("file_size_limit", 10 * 1024 * 1024)
        request, _ = settle(find("sample"), "a red fox", seed=7)
        skeleton = Skeleton(
            content=f"<@{luna}> “a red fox” {{size}} seed {{seed}}\n{{notes}}",
            components=(button("Again", f"flux2:v1:again:{job_id}"),),
            alt_text="AI-generated picture: a red fox, seed {seed}",
            mentions=(luna,),
            nonce=f"r{job_id}",
            file_stem=f"flux2-{job_id}",
            file_size_limit=limit,
            failures={code: f"<@{luna}> Failed: {code.value}." for code in FailureCode},
            failure_components=(button("Again", f"flux2:v1:again:{job_id}"),),
            failure_nonce=f"n{job_id}",
        )
        job = RenderJob(job_id=job_id, request=request, skeleton=skeleton, destination=Destination(**place))
        self.redis.set(job_key(job_id), job.model_dump_json())
        made = [self.picture(7 + i) for i in range(pictures)] if isinstance(pictures, int) else pictures
        self.accept(job_id, [] if failure else made, failure)
        return job_id

    def accept(self, job_id: str, pictures: list[Picture], failure: FailureCode | None = None) -> None:
        """Run an attempt through the fence."""
        fence = Fence(self.redis)
        attempt = fence.begin(job_id, f"gpu-{time.monotonic_ns()}")
        assert isinstance(attempt, int)
        result = RenderResult(job_id=job_id, attempt=attempt, seconds=2.0, pictures=tuple(pictures), failure=failure)
        assert fence.accept(result)

    def events(self, job_id: str) -> list[Event]:
        """Every event of a job, oldest first."""
        entries = [EVENT.validate_json(fields[b"event"]) for _, fields in self.redis.xrange(EVENTS)]
        return [event for event in entries if event.job_id == job_id]


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    """A store of its own."""
    return FileBlobs(tmp_path / "blobs")


@pytest.fixture
def results(redis: Redis, blobs: FileBlobs, local_discord: LocalDiscord) -> Results:
    """Jobs ready to be delivered."""
    return Results(redis, blobs, local_discord)
