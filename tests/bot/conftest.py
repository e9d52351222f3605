"""Fixtures of the bot's tests: a fresh ledger in a real file, and jobs to put into it."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bot import language
from bot.dispatcher import Dispatcher
from bot.events import EventReader, News
from bot.fleet import Fleet, connect
from bot.ledger.job import Caps, Job, NewJob, Outcome, State
from bot.ledger.ledger import Ledger
from bot.queue import WorkQueue
from bot.reconciler import Reconciler
from flux2.models import REGISTRY
from flux2.request import GenerationRequest
from sandbox.redis_server import RedisServer
from worker.contract import (
    Destination,
    Event,
    FailureCode,
    Heartbeat,
    Picture,
    RenderResult,
    Skeleton,
    lease_key,
)
from worker.fence import Fence
from worker.heartbeat import Beacon

MakeJob = Callable[..., NewJob]


@pytest.fixture(autouse=True)
def _within_a_day() -> None:
    """Quotas end at midnight UTC, so no test begins in the last half minute of a day."""
    left_s = 24 * 3600 - time.time() % (24 * 3600)
    if left_s < 30:
        time.sleep(left_s)


@pytest.fixture
def bracketed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], list[str]]]:
    """The bot speaks ⟦English in brackets⟧, by a compiled catalogue. Gives what finds words that stand outside them."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (language.FOLDER / "bot.pot").open("rb") as file:
        catalogue = read_po(file, locale="en")
    for message in catalogue:
        forms = message.id if isinstance(message.id, tuple) else (message.id,)
        translated = tuple(f"⟦{form}⟧" for form in forms)
        message.string = translated if len(forms) > 1 else translated[0]
    compiled = tmp_path / "locale/xx/LC_MESSAGES/bot.mo"
    compiled.parent.mkdir(parents=True)
    with compiled.open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr(language, "FOLDER", tmp_path / "locale")
    language.speak("xx")
    yield _outside
    language.speak(language.ENGLISH)


def _outside(text: str) -> list[str]:
    bare = re.sub(r"<[^>]*>|`[^`]*`|https?:[^\s⟦⟧]+", "", text)
    while bare != (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", bare)):
        bare = inner
    return re.findall(r"[^\W\d_]{2,}", bare)


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    """A database that does not exist yet, in a folder that does not either."""
    return f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db"


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    """An open, empty ledger."""
    ledger = await Ledger.open(ledger_url)
    yield ledger
    await ledger.close()


@pytest.fixture
def caps() -> Caps:
    """Caps that stop nobody."""
    return Caps(per_member=1_000_000, per_guild=1_000_000)


@pytest.fixture
def new_job() -> MakeJob:
    """Makes a job nobody accepted yet; keywords replace its fields, `model` and `steps` those of its request."""
    numbers = itertools.count(1)

    def make(*, model: str = "sample", steps: int = 8, **fields: Any) -> NewJob:
        number = next(numbers)
        job_id = secrets.token_hex(8)
        given: dict[str, Any] = {
            "id": job_id,
            "idempotency_key": f"i{number}",
            "source": "imagine",
            "user_id": 7,
            "guild_id": 1,
            "channel_id": 2 << 22,
            "request": GenerationRequest(
                model=model, prompt="a red fox", width=128, height=128, num_inference_steps=steps, seed=1
            ),
            "skeleton": Skeleton(
                content="<@7>",
                nonce=f"r{job_id}",
                failure_nonce=f"n{job_id}",
                file_stem=f"flux2-{job_id}",
                file_size_limit=10_000_000,
                failures={FailureCode.INTERNAL: "It did not work."},
            ),
        }
        return NewJob(**{**given, **fields})

    return make


@pytest.fixture
def queue_up(ledger: Ledger, new_job: MakeJob, caps: Caps) -> Callable[..., Any]:
    """Accepts a job and stores its destination, so that it may be picked."""

    async def queue(**fields: Any) -> Job:
        job = await ledger.accept(new_job(**fields), caps)
        await ledger.set_destination(job.id, Destination(channel_id=job.channel_id, dm_user_id=job.user_id), None)
        placed = await ledger.get(job.id)
        assert placed is not None
        return placed

    return queue


@dataclass
class Stack:
    """Ledger, Redis and all that moves jobs between them; the test plays the workers with the real fence."""

    ledger: Ledger
    server: RedisServer
    redis: Redis
    queue: WorkQueue
    fleet: Fleet
    news: News
    reader: EventReader
    dispatcher: Dispatcher
    reconciler: Reconciler
    fence: Fence
    told: list[tuple[Job, Event]]
    moves: list[int]

    def serve(self, *names: str, model: str = "sample") -> None:
        """Let gpu workers be alive."""
        for name in names:
            found = REGISTRY["sample"].model_copy(update={"name": model})
            Beacon(self.redis).beat(Heartbeat(name=name, role="gpu", state="idle", model=found), ttl_s=600)

    def entries(self, queue: str = "gpu:sample") -> list[str]:
        """What lies on one of RQ's queues."""
        return [entry.decode() for entry in self.redis.lrange(f"rq:queue:{queue}", 0, -1)]

    def pop(self, queue: str = "gpu:sample") -> str:
        """Take the next entry as a worker does that is done with it, and return its job id."""
        entry = self.redis.lpop(f"rq:queue:{queue}")
        assert isinstance(entry, bytes)
        self.redis.delete(b"rq:job:" + entry)
        return entry.decode().rpartition("-")[0]

    def begin(self, worker: str = "w1", queue: str = "gpu:sample") -> tuple[str, int]:
        """Pop and begin a job; returns its id and the fence's attempt."""
        job_id = self.pop(queue)
        attempt = self.fence.begin(job_id, worker)
        assert isinstance(attempt, int)
        return job_id, attempt

    def lose_lease(self, job_id: str) -> None:
        """Let the worker be silent for longer than a lease."""
        self.redis.delete(lease_key(job_id))

    def result(self, job_id: str, attempt: int, failure: FailureCode | None = None) -> RenderResult:
        """A result as a worker would hand in."""
        picture = Picture(sha256="a" * 64, output_format="webp", width=128, height=128, size_bytes=10, seed=1)
        pictures = () if failure else (picture,)
        return RenderResult(job_id=job_id, attempt=attempt, pictures=pictures, seconds=1.5, failure=failure)

    async def read(self) -> None:
        """Apply all news there is."""
        while await self.reader.read():
            pass

    async def until(self, job_id: str, state: State) -> None:
        """Wait for running parts to bring the job there."""
        for _ in range(1200):
            if (await self.state(job_id))[0] is state:
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"job {job_id} did not become {state}")

    async def state(self, job_id: str) -> tuple[State, Outcome | None]:
        """Where the ledger has the job."""
        job = await self.ledger.get(job_id)
        assert job is not None
        return job.state, job.outcome


@pytest.fixture
async def stack(ledger: Ledger, redis_server: RedisServer) -> AsyncIterator[Stack]:
    """Everything between the ledger and Redis, nothing running by itself, graces shortened to nothing."""
    redis, news_redis = Redis.from_url(redis_server.url), connect(redis_server.url)
    queue, fleet = WorkQueue.connect(redis_server.url), Fleet(news_redis)
    told: list[tuple[Job, Event]] = []
    moves: list[int] = []

    async def moved() -> None:
        moves.append(1)

    class Listener:
        async def observe(self, job: Job, event: Event) -> None:
            told.append((job, event))

    dispatcher = Dispatcher(ledger, fleet, queue, max_running_per_member=2, queue_moved=moved)
    news = News(ledger, news_redis, [Listener()], dispatcher.moved)
    reconciler = Reconciler(ledger, queue, news, dispatcher, interval_s=15.0, grace_s=0.0)
    reader = EventReader(ledger, news_redis, news, reconciler.wake)
    yield Stack(
        ledger, redis_server, redis, queue, fleet, news, reader, dispatcher, reconciler, Fence(redis), told, moves
    )
    await queue.close()
    await news_redis.aclose()
    redis.close()
