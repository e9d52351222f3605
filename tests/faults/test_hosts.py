"""Two gpu and two io workers on one Redis: hosts die, sleep, leave and return while members go on asking."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from sandbox.processes import Child
from tests.faults.audit import ask, check, is_running, results, row, rows, until
from tests.faults.wired import WiredStack
from worker.contract import EVENT, EVENTS, LEASE_S, Started

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

LONG = {"steps": 30, "size": "256x256", "count": 2}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WiredStack]:
    """One product for these tests; each leaves it serving with all its workers."""
    stack = WiredStack(
        tmp_path_factory.mktemp("hosts"), gpu_workers=2, io_workers=2, settings={"MAX_RUNNING_PER_MEMBER": "4"}
    )
    await stack.start()
    yield stack
    await stack.stop()


async def starts(stack: WiredStack, job_id: str) -> list[str]:
    """Names of the workers that began the job, in order."""
    async with stack.connect() as client:
        events = [EVENT.validate_json(fields["event"]) for _, fields in await client.xrange(EVENTS)]
    return [event.worker for event in events if isinstance(event, Started) and event.job_id == job_id]


async def at_work(stack: WiredStack, job_id: str) -> tuple[Child, Child]:
    """The gpu worker that runs the job, and the other one."""
    await is_running(stack, job_id)
    name = (await starts(stack, job_id))[-1]
    one, other = stack.children["gpu"], stack.children["gpu-2"]
    return (one, other) if f"-{one.pid}-" in name else (other, one)


async def test_both_gpus_draw_and_each_picture_comes_once(stack: WiredStack) -> None:
    """Twelve jobs of three members go to both workers, none to two, and every one is delivered."""
    asked = [await ask(stack, member, steps=12) for _ in range(4) for member in ("luna", "max", "ada")]
    for _, job_id in asked:
        await until(lambda job_id=job_id: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}")
    begun = [await starts(stack, job_id) for _, job_id in asked]
    assert all(len(names) == 1 for names in begun)
    assert len(Counter(names[0] for names in begun)) == 2
    await check(stack)


async def test_a_worker_is_replaced_while_members_ask(stack: WiredStack) -> None:
    """SIGTERM with one job running and others waiting: it is finished, exit 0, the rest go to the other worker, and no
    attempt is charged; started again it takes part."""
    _, running = await ask(stack, **LONG)
    leaver, _ = await at_work(stack, running)
    asked = [running, *[(await ask(stack, ("max", "ada")[number % 2], steps=4))[1] for number in range(8)]]
    leaver.ask_to_stop()
    asked += [(await ask(stack, ("max", "ada")[number % 2], steps=4))[1] for number in range(4)]
    assert await asyncio.to_thread(leaver.wait, 90) == 0
    for job_id in asked:
        await until(lambda job_id=job_id: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}")
        assert len(await starts(stack, job_id)) == 1
    leaver.start()
    await stack.wait_until_ready()
    await check(stack)


async def test_an_io_worker_is_replaced_while_pictures_come(stack: WiredStack) -> None:
    """SIGTERM of one io process in the middle of deliveries: exit 0, and no picture is lost or doubled."""
    asked = [(await ask(stack, ("luna", "max")[number % 2], steps=2))[1] for number in range(6)]
    stack.children["io"].ask_to_stop()
    assert await asyncio.to_thread(stack.children["io"].wait, 90) == 0
    for job_id in asked:
        await until(lambda job_id=job_id: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}")
    stack.children["io"].start()
    await check(stack)


async def test_a_job_that_kills_its_worker_is_told_once_and_others_run(stack: WiredStack) -> None:
    """The child dies at each start of one job: it is given up at the third, with one notice; another job is drawn."""
    status, poison = await ask(stack, steps=50, size="512x512", count=4)
    for death in (1, 2):
        worker, _ = await at_work(stack, poison)
        children = psutil.Process(worker.pid).children()
        max(children, key=lambda child: child.memory_info().rss).kill()
        if death == 1:
            await until_begun(stack, poison, 2)
    _, other = await ask(stack, "max")
    await until(lambda: row(stack, other)["outcome"] == "delivered", "delivery of another's job")
    await until(lambda: row(stack, poison)["outcome"] == "failed", "the end of the poison job")
    assert row(stack, poison)["failure"] == "poisoned"
    await until(lambda: "Not drawn" in status.content, "a word to the member")
    notices = [message for message in stack.server.world.all_messages() if "broke down twice" in message.content]
    assert len(notices) == 1
    await stack.wait_until_ready()
    await check(stack)


async def until_begun(stack: WiredStack, job_id: str, times: int) -> None:
    """Wait until the job was begun so many times."""
    for _ in range(1200):
        if len(await starts(stack, job_id)) >= times:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{job_id} was not begun {times} times")


async def test_a_host_dies(stack: WiredStack) -> None:
    """kill -9 of a worker and all it started: its lease runs out and the other worker draws the job."""
    _, job_id = await ask(stack, **LONG)
    victim, _ = await at_work(stack, job_id)
    victim.kill_group()
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    assert len(set(await starts(stack, job_id))) == 2
    victim.start()
    await stack.wait_until_ready()
    await check(stack)


async def test_a_host_sleeps_past_its_lease_and_wakes(stack: WiredStack) -> None:
    """SIGSTOP of a worker for longer than its lease, then CONT: two runs, one accepted result, one message."""
    _, job_id = await ask(stack, **LONG)
    sleeper, _ = await at_work(stack, job_id)
    os.killpg(sleeper.pid, signal.SIGSTOP)
    await asyncio.sleep(LEASE_S)
    await until(lambda: results(stack, job_id), "the picture of the other worker")
    os.killpg(sleeper.pid, signal.SIGCONT)
    await stack.wait_until_ready()
    await check(stack)
    assert len(results(stack, job_id)) == 1


async def test_an_io_host_dies(stack: WiredStack) -> None:
    """kill -9 of an io process and its lanes in the middle of deliveries: the other one posts what it left."""
    asked = [(await ask(stack, ("luna", "max")[number % 2], steps=2))[1] for number in range(6)]
    await until(lambda: row(stack, asked[0])["state"] in ("delivering", "closed"), "the first delivery")
    stack.children["io"].kill_group()
    for job_id in asked:
        await until(lambda job_id=job_id: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}", 180)
    stack.children["io"].start()
    await check(stack)


async def test_everything_stops_in_order(stack: WiredStack) -> None:
    """SIGTERM to every process: each ends with 0, and the rows that were open are open still."""
    _, job_id = await ask(stack, **LONG)
    await is_running(stack, job_id)
    for child in stack.children.values():
        child.ask_to_stop()
    ended = {name: await asyncio.to_thread(child.wait, 120) for name, child in stack.children.items()}
    assert ended == dict.fromkeys(stack.children, 0)
    for child in stack.children.values():
        child.start()
    await until(lambda: not stack.server.gateway.is_connected or stack.server.is_bot_ready, "a bot")
    await stack.wait_until_ready()
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
    await check(stack)
    assert {job["outcome"] for job in rows(stack)} <= {"delivered", "failed"}
