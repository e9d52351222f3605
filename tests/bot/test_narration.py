"""Which status messages narration keeps an eye on, with a real ledger and a notebook in Discord's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.ledger.job import Job, Outcome, State, Status
from bot.narration import Narration
from bot.status_message import StatusMessages
from worker.blobs import FileBlobs
from worker.contract import Progress, Started

QueueUp = Callable[..., Awaitable[Job]]
Stack = Any


class Notebook(StatusMessages):
    """Where edits go instead of Discord."""

    def __init__(self) -> None:
        self.final: asyncio.Queue[str] = asyncio.Queue()
        """Texts that stay."""
        self.passing: asyncio.Queue[str] = asyncio.Queue()
        """Texts that do not, in the order they were shown."""
        self.pictures: list[bytes] = []
        """Previews that were shown."""

    async def edit(self, status: Status, content: str, *, final: bool, pictures: Sequence[bytes] | None = None) -> None:
        self.pictures += pictures or ()
        if final:
            self.final.put_nowait(content.splitlines()[-1])
        else:
            self.passing.put_nowait(content.splitlines()[-1])


@pytest.fixture
def notebook() -> Notebook:
    """What members read."""
    return Notebook()


@pytest.fixture
async def narration(stack: Stack, notebook: Notebook, tmp_path: Path) -> AsyncIterator[Narration]:
    """A narration that has begun."""
    narration = Narration(stack.ledger, stack.fleet, notebook, FileBlobs(tmp_path), 0.01)
    await narration.start()
    yield narration
    await narration.close()


async def shown(stack: Stack, queue_up: QueueUp) -> Job:
    """A job with a status message."""
    job = await queue_up()
    message_id = discord.utils.time_snowflake(discord.utils.utcnow())
    await stack.ledger.set_destination(job.id, job.destination, Status(job.channel_id, message_id))
    placed = await stack.ledger.get(job.id)
    assert placed is not None
    return placed


@pytest.mark.parametrize("carried_out", ["unpick", "drop"])
async def test_a_cancel_carried_out_without_news_is_said(
    stack: Stack, queue_up: QueueUp, narration: Narration, notebook: Notebook, carried_out: str
) -> None:
    """Cancelled while Redis was away, ended by dispatcher or reconciler later: the next look at the queue says so."""
    job = await shown(stack, queue_up)
    picked = await stack.ledger.pick("sample", 2)
    assert picked is not None
    await stack.ledger.request_cancel(job.id)
    await narration.refresh(job.id)
    closed = await (stack.ledger.unpick(picked) if carried_out == "unpick" else stack.ledger.drop(job.id))
    assert closed.outcome is Outcome.CANCELLED
    await narration.queue_moved()
    async with asyncio.timeout(60):
        assert await notebook.final.get() == "Cancelled"


async def test_a_restart_does_not_set_a_running_job_back(
    stack: Stack, queue_up: QueueUp, notebook: Notebook, tmp_path: Path
) -> None:
    """A new process does not know the step a job is at: it shows the next one it hears of, never none."""
    job = await shown(stack, queue_up)
    assert await stack.ledger.pick("sample", 2) is not None
    running = await stack.ledger.apply(Started(job_id=job.id, attempt=1, worker="w1"), None, None)
    narration = Narration(stack.ledger, stack.fleet, notebook, FileBlobs(tmp_path), 0.01)
    await narration.start()
    await narration.queue_moved()
    await asyncio.sleep(0.2)
    assert notebook.passing.empty()
    await narration.observe(running, Progress(job_id=job.id, attempt=1, phase="denoise", step=4, steps=8))
    async with asyncio.timeout(60):
        assert await notebook.passing.get() == "Drawing · ▰▰▰▰▰▱▱▱▱▱ 4/8"
    await narration.close()


@pytest.mark.parametrize(("stem", "previews"), [("flux2-x", [b"soon"]), ("SPOILER_flux2-x", [])])
async def test_what_lies_behind_a_click_is_not_shown_on_the_way_either(
    stack: Stack, queue_up: QueueUp, narration: Narration, notebook: Notebook, tmp_path: Path, stem: str, previews: Any
) -> None:
    """A server that hides every picture gets no previews; any other does."""
    job = await shown(stack, queue_up)
    job = replace(job, state=State.RUNNING, skeleton=job.skeleton.model_copy(update={"file_stem": stem}))
    preview = FileBlobs(tmp_path).put(b"soon")
    step = Progress(job_id=job.id, attempt=1, phase="denoise", step=3, steps=8, preview=preview)
    for event in (step, step.model_copy(update={"step": 4})):
        await narration.observe(job, event)
        async with asyncio.timeout(60):
            await notebook.passing.get()
    assert notebook.pictures[:1] == previews
