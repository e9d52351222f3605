"""Fixtures of the bot's tests: a fresh ledger in a real file, and jobs to put into it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.ledger.job import Caps, Job, NewJob
from bot.ledger.ledger import Ledger
from flux2.request import GenerationRequest
from worker.contract import Destination, FailureCode, Skeleton

MakeJob = Callable[..., NewJob]


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
