"""The invariants that hold after every fault, read from the ledger's file, the local Discord and Redis themselves."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import redis.asyncio

from sandbox.message import Message
from sandbox.once import job_ids
from sandbox.stack import Stack

PATIENCE_S = 180.0
ABANDONED_S = 160.0
"""Two minutes until RQ takes a lane's job for abandoned, and some for its clean-up to come round."""
_ID = re.compile(r"[0-9a-f]{16,}(?:-\w+)?|[\w.-]+-\d+-[\w-]+|\d{15,}")


async def until(probe: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Wait until `probe` gives something true, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (found := probe()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {timeout_s:g} s")
        await asyncio.sleep(0.05)
    return found


def rows(stack: Stack, where: str = "1") -> list[sqlite3.Row]:
    """The ledger's jobs, oldest first, read beside the bot."""
    path = stack.folder / "ledger.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        return list(connection.execute(f"SELECT * FROM jobs WHERE {where} ORDER BY seq"))


def row(stack: Stack, job_id: str) -> sqlite3.Row:
    """One job."""
    [found] = rows(stack, f"id = '{job_id}'")
    return found


def results(stack: Stack, job_id: str) -> list[Message]:
    """Every message that carries files of the job."""
    messages = stack.server.world.all_messages()
    return [message for message in messages if any(job_id in file.filename for file in message.files)]


async def ask(
    stack: Stack, member: str = "luna", *, channel: str = "pictures", steps: int = 2, **options: Any
) -> tuple[Message, str]:
    """Send an /imagine and return its status message and job id."""
    wish = {"prompt": "a red circle on a white background", "size": "128x128", "steps": steps, **options}
    use = await stack.server.member(member).slash("imagine", wish, channel=channel)
    status = await use.answer()
    await until(lambda: job_ids(status), f"a Cancel button under {status.content!r}")
    return status, job_ids(status)[0]


async def is_running(stack: Stack, job_id: str) -> None:
    """Wait until a worker is at the job."""
    await until(lambda: row(stack, job_id)["state"] == "running", f"{job_id} running")


async def check(stack: Stack, *, draws: bool = True) -> None:
    """All invariants: each job ended and was told once, nothing grows, and the next picture is drawn."""
    if draws:
        await ask(stack)
    await until(
        lambda: not rows(stack, "state != 'closed' OR NOT is_status_final OR NOT is_swept"), "the end of every job"
    )
    for job in rows(stack):
        _check_told(stack, job)
    await _check_redis(stack)


def _check_told(stack: Stack, job: sqlite3.Row) -> None:
    posted = results(stack, job["id"])
    match job["outcome"]:
        case "delivered":
            [message] = posted
            assert message.id == job["result_message_id"]
        case "failed":
            assert not posted
            assert job["result_message_id"] is None or stack.server.world.message(job["result_message_id"])
        case "cancelled" | "undeliverable":
            assert not posted
        case other:
            pytest.fail(f"job {job['id']} ended as {other}")


async def _check_redis(stack: Stack) -> None:
    async with stack.connect() as client:
        # RQ removes a job a moment after its work was seen to be done; that of a lane that died, after two minutes.
        deadline = time.monotonic() + ABANDONED_S
        while left := await _left(client):
            assert time.monotonic() < deadline, left
            await asyncio.sleep(0.05)
        for_ever = {_ID.sub("*", key) async for key in client.scan_iter() if await client.ttl(key) == -1}
    # What stays is of a fixed number: one stream, sets of workers and queues, and RQ's empty registries.
    grown = {key for key in for_ever if "*" in key and not key.startswith(("rq:worker", "rq:w", "rq:clean"))}
    assert not grown, grown


async def _left(client: redis.asyncio.Redis) -> list[str]:
    """Leases, jobs of RQ, and queues with something on them: a list that is empty does not exist."""
    left = [key for pattern in ("lease:*", "rq:job:*") async for key in client.scan_iter(pattern)]
    queues = [key async for key in client.scan_iter("rq:queue:*")]
    return left + [key for key in queues if await client.type(key) == "list"]
