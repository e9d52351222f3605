"""One member asks for very much, another for one picture: end to end, with the real bot, queue and worker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.stack import Stack
from tests.faults.audit import ask, row, rows, until
from tests.faults.wired import QUICK, WiredStack

UNCAPPED = {**QUICK, "MAX_WAITING_PER_MEMBER": "1000", "MAX_RUNNING_PER_MEMBER": "1000"}


async def crowd_out(stack: Stack, many: int) -> None:
    """luna asks for `many`, max for one: his starts after at most the jobs already on RQ, and he is told why."""
    slow = {"steps": 30, "size": "256x256"}
    for _ in range(many):
        await ask(stack, "luna", **slow)
    max_id = stack.server.member("max").id
    status, job_id = await ask(stack, "max", **slow)
    on_queue = {job["id"] for job in rows(stack, "state IN ('dispatched', 'running')")}
    assert len(on_queue) <= 2  # one GPU, and one ahead of it
    accepted = row(stack, job_id)["created_at"]
    place = re.search(r"Queued (\d)\w\w · .*after (\d) from others|Next in the queue", status.content)
    assert place, status.content
    assert place[1] is None or int(place[1]) <= 3
    await until(lambda: row(stack, job_id)["started_at"], "the start of the one", 120)
    started = row(stack, job_id)["started_at"]
    overtakers = rows(stack, f"user_id != {max_id} AND started_at > '{accepted}' AND started_at < '{started}'")
    assert len(overtakers) <= 2, [job["seq"] for job in overtakers]
    waiting = rows(stack, f"user_id != {max_id} AND state = 'waiting'")
    assert len(waiting) >= many - 6


@pytest.mark.slow
async def test_one_picture_does_not_wait_behind_twenty(tmp_path: Path) -> None:
    """Twenty against one."""
    async with WiredStack(tmp_path, settings=UNCAPPED) as stack:
        await crowd_out(stack, 20)


@pytest.mark.slow
async def test_one_picture_does_not_wait_behind_two_hundred(tmp_path: Path) -> None:
    """Two hundred against one."""
    async with WiredStack(tmp_path, settings=UNCAPPED) as stack:
        await crowd_out(stack, 200)
