"""The real bot against the local Discord, with real Redis, ledger and blobs; a test plays the GPU through the fence."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord.gateway
import discord.http
import pytest
from PIL import Image
from redis import Redis

from bot import endpoints
from bot.client import Flux2Bot
from bot.ledger.job import Caps, Job, NewJob, State
from config.settings import BotSettings
from flux2.models import REGISTRY
from sandbox.member import Member, Upload, Use
from sandbox.message import Message
from sandbox.redis_server import RedisServer
from sandbox.server import SandboxServer
from worker.blobs import open_blobs
from worker.contract import (
    Delivered,
    FailureCode,
    Heartbeat,
    Picture,
    Progress,
    RenderResult,
    Started,
    gpu_queue,
    lease_key,
)
from worker.delivery import Discord
from worker.fence import Fence
from worker.heartbeat import Beacon
from worker.outbox import Outbox
from worker.tasks.deliver import Courier

PATIENCE_S = 60.0
_awake: set[Flux2Bot] = set()
"""Bots of this process that are connected."""


@pytest.fixture
async def server() -> AsyncIterator[SandboxServer]:
    """A local Discord of its own for each test."""
    server = await SandboxServer.start()
    server.world.ack_s = PATIENCE_S / 2
    yield server
    await server.stop()


@pytest.fixture
def settings(server: SandboxServer, redis_server: RedisServer, tmp_path: Path) -> BotSettings:
    """Settings of a bot in that Discord; a test changes one with `model_copy`."""
    return BotSettings(
        _env_file=None,
        discord_token=server.world.token,
        discord_api_url=server.api_url,
        discord_gateway_url=server.gateway_url,
        redis_url=redis_server.url,
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}",
        blob_url=(tmp_path / "blobs").as_uri(),
        flux2_model="sample",
        max_upload_bytes=300_000,
        max_upload_pixels=2_000_000,
        status_edit_interval_s=0.1,
    )


@pytest.fixture(autouse=True)
def _restored_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the library its own endpoints back after each test: other tests of this process use it unchanged."""
    socket = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    monkeypatch.setattr(discord.Asset, "BASE", discord.Asset.BASE)
    monkeypatch.setattr(socket, "DEFAULT_GATEWAY", socket.DEFAULT_GATEWAY)
    monkeypatch.setattr(socket, "gateway", None, raising=False)  # undone by deleting it: instances have their own


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member goes on once the bot has heard that its answer to the last press arrived: sooner is a double click.

    Whoever does not `wait` is as quick as the test wants.
    """
    send = Member._send

    async def sending(self: Member, kind: Any, data: Any, where: Any, wait: bool, **more: Any) -> Use:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while wait and any(press[0] == self.id for bot in _awake for press in bot.running._presses):
            assert asyncio.get_running_loop().time() < deadline, "the press before was never done"
            await asyncio.sleep(0.005)
        return await send(self, kind, data, where, wait, **more)

    monkeypatch.setattr(Member, "_send", sending)


@asynccontextmanager
async def running(settings: BotSettings) -> AsyncIterator[Flux2Bot]:
    """The bot, connected and with its commands registered."""
    endpoints.use(settings.discord_api_url, settings.discord_gateway_url)
    bot = Flux2Bot(settings, guild_ready_timeout=0.05)
    async with bot:
        task = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
        ready = asyncio.create_task(bot.wait_until_ready())
        await asyncio.wait({task, ready}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), task.exception() if task.done() else "the bot did not get ready"
        _awake.add(bot)
        try:
            yield bot
        finally:
            _awake.discard(bot)
        await bot.stop()
        await asyncio.wait_for(task, PATIENCE_S)


@pytest.fixture
async def start() -> Callable[[BotSettings], object]:
    """Starts another bot: `async with start(settings) as bot`."""
    return running


@pytest.fixture
async def bot(settings: BotSettings, gpu: Gpu) -> AsyncIterator[Flux2Bot]:
    """A running bot that knows of one worker."""
    async with running(settings) as bot:
        yield bot


class Gpu:
    """Plays the worker of the sample model: takes a job, says its steps, hands in pictures, posts them."""

    def __init__(self, settings: BotSettings) -> None:
        self._redis = Redis.from_url(settings.redis_url.get_secret_value())
        self._settings = settings
        self.fence = Fence(self._redis)
        self.blobs = open_blobs(settings.blob_url)
        self._postbox: Discord | None = None

    def beat(self, state: str = "idle", percent: int | None = None, screens: tuple[str, ...] | None = None) -> None:
        """Be there, or be loading."""
        heartbeat = Heartbeat(
            name="gpu-1",
            role="gpu",
            state=state,  # type: ignore[arg-type]
            model=REGISTRY["sample"],
            loading_percent=percent,
            screens=screens,
        )
        Beacon(self._redis).beat(heartbeat, ttl_s=600)  # longer than any test, as a worker repeats it

    async def begin(self, job_id: str) -> int:
        """Take the job off the queue once it is dispatched."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not self._took(job_id):
            assert asyncio.get_running_loop().time() < deadline, f"{job_id} was not dispatched"
            await asyncio.sleep(0.05)
        attempt = await asyncio.to_thread(self.fence.begin, job_id, "gpu-1")
        assert isinstance(attempt, int), attempt
        self._redis.expire(lease_key(job_id), 600)  # a worker refreshes it
        self.fence.announce(Started(job_id=job_id, attempt=attempt, worker="gpu-1"))
        return attempt

    def _took(self, job_id: str) -> bool:
        queue = f"rq:queue:{gpu_queue('sample')}"
        runs = [run for run in self._redis.lrange(queue, 0, -1) if run.startswith(f"{job_id}-r".encode())]
        return bool(runs and self._redis.lrem(queue, 0, runs[0]))

    def step(self, job_id: str, attempt: int, step: int, steps: int = 8) -> None:
        """Say a denoise step."""
        self.fence.announce(Progress(job_id=job_id, attempt=attempt, phase="denoise", step=step, steps=steps))

    async def finish(self, job: Job, attempt: int, words: str | None = None, *, spoiler: bool = False) -> bool:
        """Hand in plain grey pictures of the size asked for."""
        request = job.request
        pictures = []
        for seed in getattr(request, "seeds", (request.seed,)):
            shade = (seed % 256, 128, 128)
            data = png(request.width, request.height, shade)
            sha256 = await asyncio.to_thread(self.blobs.put, data)
            pictures.append(
                Picture(
                    sha256=sha256,
                    output_format="png",
                    width=request.width,
                    height=request.height,
                    size_bytes=len(data),
                    seed=seed,
                    spoiler=spoiler,
                )
            )
        result = RenderResult(job_id=job.id, attempt=attempt, pictures=tuple(pictures), words=words, seconds=1.5)
        return await asyncio.to_thread(self.fence.accept, result)

    async def fail(self, job: Job, attempt: int) -> None:
        """End without a picture: too little memory."""
        result = RenderResult(job_id=job.id, attempt=attempt, seconds=0.5, failure=FailureCode.OUT_OF_MEMORY)
        assert await asyncio.to_thread(self.fence.accept, result)

    async def post(self, job_id: str) -> None:
        """Deliver as `worker --role io` does."""
        if self._postbox is None:
            token = self._settings.discord_token.get_secret_value()
            self._postbox = Discord(token, self._settings.discord_api_url, patience_s=PATIENCE_S)
        courier = Courier(self.fence, Outbox(self._redis), self.blobs, self._postbox)
        await asyncio.to_thread(courier.deliver, job_id)

    async def draw(self, job: Job) -> None:
        """All of it."""
        attempt = await self.begin(job.id)
        assert await self.finish(job, attempt)
        await self.post(job.id)

    def close(self) -> None:
        """Log out."""
        if self._postbox is not None:
            self._postbox.close()
        self._redis.close()


@pytest.fixture
def gpu(settings: BotSettings) -> Iterator[Gpu]:
    """A worker that has just been seen."""
    gpu = Gpu(settings)
    gpu.beat()
    yield gpu
    gpu.close()


@pytest.fixture
def only_job(bot: Flux2Bot) -> Callable[[], Awaitable[Job]]:
    """The one open job."""

    async def find() -> Job:
        (job,) = await bot.services.ledger.open_jobs()
        return job

    return find


@pytest.fixture
def closed(bot: Flux2Bot) -> Callable[[str], Awaitable[Job]]:
    """Waits until a job is closed and its status message final, and returns it."""

    async def wait(job_id: str) -> Job:
        ledger = bot.services.ledger
        async with asyncio.timeout(PATIENCE_S):
            while True:
                job = await ledger.get(job_id)
                assert job is not None
                unfinished = {one.id for one in await ledger.unfinished_statuses()}
                if job.state is State.CLOSED and job_id not in unfinished:
                    return job
                await asyncio.sleep(0.05)

    return wait


@pytest.fixture
def draw_one(
    server: SandboxServer, gpu: Gpu, only_job: Callable[[], Awaitable[Job]], closed: Callable[[str], Awaitable[Job]]
) -> Callable[[], Awaitable[tuple[Job, Message]]]:
    """Draws the one open job, and returns it with the message of its pictures."""

    async def posted() -> tuple[Job, Message]:
        job = await only_job()
        await gpu.draw(job)
        job = await closed(job.id)
        message = server.world.message(job.result_message_id or 0)
        assert message is not None
        return job, message

    return posted


@pytest.fixture
def drawn(
    server: SandboxServer, bot: Flux2Bot, draw_one: Callable[[], Awaitable[tuple[Job, Message]]]
) -> Callable[..., Awaitable[tuple[Job, Message]]]:
    """Draws for luna, as she asks for it with /imagine."""

    async def draw(**options: object) -> tuple[Job, Message]:
        await (await server.member("luna").slash("imagine", {"prompt": "a red fox", **options})).answer()
        return await draw_one()

    return draw


def png(width: int = 64, height: int = 64, colour: tuple[int, ...] = (200, 30, 30), mode: str = "RGB") -> bytes:
    """A plain picture."""
    file = io.BytesIO()
    Image.new(mode, (width, height), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def picture() -> Callable[..., Upload]:
    """Makes a plain picture to attach."""

    def make(name: str = "fox.png", width: int = 64, height: int = 64) -> Upload:
        return Upload(name, png(width, height))

    return make


@pytest.fixture
def remember(new_job: Callable[..., NewJob], caps: Caps) -> Callable[[Flux2Bot, int, int], Awaitable[None]]:
    """Puts pictures of a member into a bot's ledger: “a fox no. 1” and on, as if they had been drawn and posted."""

    async def put(bot: Flux2Bot, user_id: int, count: int) -> None:
        ledger = bot.services.ledger
        for number in range(1, count + 1):
            request = new_job().request.model_copy(update={"prompt": f"a fox no. {number}"})
            job = await ledger.accept(new_job(user_id=user_id, guild_id=bot.guilds[0].id, request=request), caps)
            await ledger.apply(Started(job_id=job.id, attempt=1, worker="w"), None)
            await ledger.apply(Delivered(job_id=job.id, channel_id=5, message_id=number), None)

    return put
