"""A part of the product is killed in mid-job: the member still gets exactly one result message."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sandbox.message import Message
from sandbox.once import job_ids
from sandbox.stack import Stack

pytestmark = pytest.mark.xdist_group("stack")

# Several seconds of work on a laptop's CPU, so that the kill lands in the middle of it.
LONG = {"prompt": "a red circle on a white background", "size": "256x256", "steps": 30, "count": 4}


async def until(probe: Callable[[], object], timeout_s: float, what: str) -> None:
    """Wait until `probe` gives something true."""
    deadline = time.monotonic() + timeout_s
    while not probe():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {timeout_s:g} s")
        await asyncio.sleep(0.05)


async def start_long_job(stack: Stack) -> tuple[Message, str]:
    """Send a long /imagine and return its status message and job id once steps are being counted."""
    stack.server.world.ack_s = 30
    use = await stack.server.member("luna").slash("imagine", LONG)
    status = await use.answer()
    await until(lambda: job_ids(status), 60, "a Cancel button on the status message")
    job_id = job_ids(status)[0]
    await until(lambda: "/120" in status.content, 120, "step 1 of 120")
    return status, job_id


def results(stack: Stack, job_id: str) -> list[Message]:
    """Every message that carries files of the job, deleted ones included."""
    messages = stack.server.world.all_messages()
    return [message for message in messages if any(job_id in file.filename for file in message.files)]


async def expect_one_result(stack: Stack, status: Message, job_id: str, timeout_s: float = 240) -> None:
    """The job ends in one message of four files, and the status message says so for good."""
    await until(lambda: results(stack, job_id), timeout_s, "a result message")
    link = str(results(stack, job_id)[0].id)
    await until(lambda: link in status.content, 60, "the last edit of the status message")
    await asyncio.sleep(2)  # a second message would come from a second run or a second delivery
    [message] = results(stack, job_id)
    assert len(message.files) == 4
    assert link in status.content


async def test_a_killed_gpu_child_costs_the_member_nothing(tmp_path: Path) -> None:
    """SIGKILL of the process that holds the model: it is loaded again and the job runs again."""
    async with Stack(tmp_path) as stack:
        status, job_id = await start_long_job(stack)
        children = psutil.Process(stack.children["gpu"].pid).children()
        model = max(children, key=lambda child: child.memory_info().rss)
        model.kill()
        await expect_one_result(stack, status, job_id)


async def test_a_killed_gpu_parent_leaves_no_orphan_and_loses_no_job(tmp_path: Path) -> None:
    """SIGKILL of the worker: its child goes with it, and the worker started in its place does the job."""
    async with Stack(tmp_path) as stack:
        status, job_id = await start_long_job(stack)
        worker = stack.children["gpu"]
        orphans = psutil.Process(worker.pid).children(recursive=True)
        worker.kill()
        _, alive = psutil.wait_procs(orphans, timeout=60)
        assert not alive, "the model child outlived its parent"
        worker.start()
        await expect_one_result(stack, status, job_id)


async def test_a_killed_bot_neither_loses_nor_repeats_a_job(tmp_path: Path) -> None:
    """SIGKILL of the bot: the picture is drawn and posted without it; started again, it closes the status message."""
    async with Stack(tmp_path) as stack:
        status, job_id = await start_long_job(stack)
        bot = stack.children["bot"]
        bot.kill()
        await until(lambda: results(stack, job_id), 240, "delivery without the bot")
        bot.start()
        await expect_one_result(stack, status, job_id)


async def test_a_killed_redis_comes_back_with_the_job(tmp_path: Path) -> None:
    """SIGKILL of Redis with its append-only file: after the restart the job ends in one message."""
    async with Stack(tmp_path) as stack:
        status, job_id = await start_long_job(stack)
        assert stack.redis is not None
        stack.redis.kill()
        await asyncio.sleep(1)
        await asyncio.to_thread(stack.redis.start)
        await expect_one_result(stack, status, job_id)
