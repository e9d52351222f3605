"""Redis dies, forgets, fills up, or loses single words of a conversation: the member still gets exactly one picture."""

from __future__ import annotations

import asyncio
import json
import pickle
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from rq.job import Job

from sandbox.stack import Stack
from tests.faults.audit import ask, check, is_running, row, rows, until
from tests.faults.wired import WiredStack
from worker.contract import gpu_queue

pytestmark = pytest.mark.asyncio(loop_scope="module")

POPPED = rb"[0-9a-f]{16}-r\d"
"""A worker's first word from Redis about a job: the reply of its blocking pop."""
ENQUEUED = rb"rq:job:[0-9a-f]{16}-r\d"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WiredStack]:
    """One product for these tests; each leaves it serving."""
    stack = WiredStack(tmp_path_factory.mktemp("redis-faults"))
    await stack.start()
    yield stack
    await stack.stop()


async def test_the_reply_of_a_pop_is_lost(stack: WiredStack) -> None:
    """The worker never learns what it popped: the entry is found in RQ's intermediate list and sent again."""
    trap = stack.wires["gpu"].trap(POPPED, "reply")
    _, job_id = await ask(stack)
    await trap.sprung.wait()
    trap.let_go()
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    assert row(stack, job_id)["attempt"] == 2
    await check(stack)


async def test_a_worker_dies_between_its_pop_and_its_first_word(stack: WiredStack) -> None:
    """kill -9 with the popped job in nobody's hands: the worker started in its place draws it."""
    trap = stack.wires["gpu"].trap(POPPED, "reply")
    _, job_id = await ask(stack)
    await trap.sprung.wait()
    stack.children["gpu"].kill()
    trap.let_go()
    stack.children["gpu"].start()
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    await check(stack)


async def test_the_reply_of_an_enqueue_is_lost(stack: WiredStack) -> None:
    """The bot does not know whether its job arrived, asks again, and there is one entry and one picture."""
    trap = stack.wires["bot"].trap(ENQUEUED, "request", passes=True)
    _, job_id = await ask(stack)
    await trap.sprung.wait()
    trap.let_go()
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    assert row(stack, job_id)["attempt"] == 1
    await check(stack)


async def test_the_bot_dies_before_it_enqueues(stack: WiredStack) -> None:
    """kill -9 with the job accepted and picked, and nothing in Redis: the next bot sends it."""
    trap = stack.wires["bot"].trap(ENQUEUED, "request")
    status, job_id = await ask(stack)
    await trap.sprung.wait()
    stack.children["bot"].kill()
    trap.let_go()
    await stack.restart("bot")
    await until(lambda: "Done" in status.content, "the last edit of the status message")
    assert row(stack, job_id)["outcome"] == "delivered"
    await check(stack)


async def test_redis_is_down_when_a_member_asks(stack: WiredStack) -> None:
    """The member reads “queued” all the same, from the ledger; the job is sent once Redis is back, as its first try."""
    assert stack.redis is not None
    stack.redis.kill()
    status, job_id = await ask(stack)
    assert "Queued" in status.content or "Next" in status.content
    await asyncio.to_thread(stack.redis.start)
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    assert row(stack, job_id)["attempt"] == 1
    await check(stack)


async def test_redis_loses_its_data_directory(stack: WiredStack) -> None:
    """Killed and wiped with one job running and two behind it: the running one's result counts, all three arrive."""
    assert stack.redis is not None
    asked = [await ask(stack, steps=30, size="256x256", count=2), await ask(stack), await ask(stack, "max")]
    await is_running(stack, asked[0][1])
    stack.redis.kill()
    await asyncio.to_thread(shutil.rmtree, stack.folder / "redis" / "appendonlydir", ignore_errors=True)
    for file in ("appendonly.aof", "dump.rdb"):
        (stack.folder / "redis" / file).unlink(missing_ok=True)
    await asyncio.to_thread(stack.redis.start)
    for _, job_id in asked:
        await until(lambda job_id=job_id: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}")
    await check(stack)


async def test_redis_has_no_memory_left(stack: WiredStack) -> None:
    """Every write is refused: the member reads “queued”, the dispatcher backs off, and the job is sent when it can."""
    async with stack.connect() as client:
        await client.config_set("maxmemory", "1")
        status, job_id = await ask(stack)
        assert "Queued" in status.content or "Next" in status.content
        await until(lambda: "nothing can be dispatched" in stack.children["bot"].log_tail(200), "a word in the log")
        assert row(stack, job_id)["state"] == "waiting"
        await client.config_set("maxmemory", "0")
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    await check(stack)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return Path.touch, (self._path,)  # type: ignore[return-value]


async def test_hostile_payloads_stop_nobody(stack: WiredStack, tmp_path: Path) -> None:
    """A pickle and os.system on the queues of the running workers call nothing, and the next picture is drawn."""
    mark = tmp_path / "called"
    payloads = {
        "pickled": pickle.dumps(_Bomb(mark)),
        "named": json.dumps(["os.system", None, [f"touch {mark}"], {}]).encode(),
    }
    async with stack.connect() as client:
        for queue in (gpu_queue("sample"), *(f"deliver:{lane}" for lane in range(4))):
            for kind, data in payloads.items():
                name = f"{kind}-{queue.replace(':', '-')}"
                fields = {
                    "data": data,
                    "origin": queue,
                    "status": "queued",
                    "timeout": "30",
                    "created_at": "2026-01-01T00:00:00.000000Z",
                }
                await client.hset(f"{Job.redis_job_namespace_prefix}{name}", mapping=fields)
                await client.rpush(f"rq:queue:{queue}", name)
        _, job_id = await ask(stack)
        await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
        # What RQ keeps of a failed entry that asked for a year's memory.
        await client.delete(*[key async for key in client.scan_iter("rq:job:*ed-*")])
    assert not mark.exists()
    await check(stack)


async def test_nothing_was_lost(stack: Stack) -> None:
    """After all of this every job that was accepted has been delivered."""
    assert {job["outcome"] for job in rows(stack)} <= {"delivered"}
