"""Discord limits, fails, repeats itself and forgets; the bot dies in the middle of a call: one message, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.faults import Delay, Disconnect, Fail, Fault, TooMany
from sandbox.message import Message
from sandbox.once import job_ids
from sandbox.stack import Stack
from tests.faults.audit import ask, check, is_running, results, row, rows, until
from tests.faults.wired import WiredStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

POST_MESSAGE = r"^/channels/\d+/messages$"
EDIT_ANSWER = r"^/webhooks/.*/messages/@original$"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WiredStack]:
    """One product for these tests; each leaves it serving."""
    stack = WiredStack(tmp_path_factory.mktemp("discord-faults"))
    await stack.start()
    yield stack
    await stack.stop()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _fair_weather(stack: Stack) -> AsyncIterator[None]:
    yield
    stack.server.world.faults.clear()


async def is_delivered(stack: Stack, job_id: str) -> None:
    """Wait for the picture."""
    await until(lambda: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}")


async def test_a_limited_thread_waits_and_others_go_on(stack: WiredStack) -> None:
    """429 for one thread: its picture waits as long as told, another channel's is posted meanwhile, both once."""
    # Long enough to draw that the limit stands before it is posted.
    status, limited = await ask(stack, steps=50, size="512x512")
    path = rf"^/channels/{status.id}/messages$"
    stack.server.world.faults.add(Fault("POST", path, TooMany(12)))
    _, free = await ask(stack, "max", channel="lounge")
    await is_delivered(stack, free)
    await is_delivered(stack, limited)
    [waited], [passed] = results(stack, limited), results(stack, free)
    assert passed.id < waited.id
    await check(stack)


async def test_a_global_limit_loses_nothing(stack: WiredStack) -> None:
    """Everything answers 429 for a second in the middle of three jobs: all three arrive."""
    asked = [await ask(stack, member) for member in ("luna", "max", "ada")]
    stack.server.world.faults.add(Fault("", "", TooMany(1, scope="global"), count=6))
    for _, job_id in asked:
        await is_delivered(stack, job_id)
    await check(stack)


async def test_errors_before_and_after_the_commit_double_nothing(stack: WiredStack) -> None:
    """A third of all posts end in 500, 502 after the post was made, or a cut line: eight jobs are eight messages."""
    for number, action in enumerate((Fail(500), Fail(502, after_commit=True), Disconnect(after_commit=True))):
        fault = Fault("POST", POST_MESSAGE, action, count=None, probability=0.12, seed=number)
        stack.server.world.faults.add(fault)
    asked = [await ask(stack, ("luna", "max")[number % 2]) for number in range(8)]
    for _, job_id in asked:
        await is_delivered(stack, job_id)
    assert sum(rule.hits for rule in stack.server.world.faults.rules) >= 1
    stack.server.world.faults.clear()
    await check(stack)


async def test_a_picture_nobody_takes_is_kept_for_its_member(stack: WiredStack) -> None:
    """50001 everywhere and closed direct messages: dead-lettered at once, said so, and /jobs hands it out."""
    world = stack.server.world
    world.faults.add(Fault("POST", POST_MESSAGE, Fail(403, 50001), count=None))
    stack.server.member("max").close_dms()
    status, job_id = await ask(stack, "max")
    await until(lambda: row(stack, job_id)["outcome"] == "undeliverable", "the dead letter")
    await until(lambda: "/jobs" in status.content, "a word to the member")
    world.faults.clear()
    stack.server.member("max").open_dms()
    listed = await (await stack.server.member("max").slash("jobs")).answer()
    shown = await (await stack.server.member("max").press(listed, _button(listed, job_id))).follow_up()
    assert [job_id in file.filename for file in shown.files] == [True]
    shown.files.clear()  # handed out, not posted: the audit counts what is public
    await check(stack)


def _button(message: Message, job_id: str) -> str:
    ids = [str(component.get("custom_id", "")) for component in message.walk_components()]
    return next(one for one in ids if one.endswith(f":show:{job_id}"))


async def test_a_repeated_event_and_a_resumed_session_make_one_job(stack: WiredStack) -> None:
    """INTERACTION_CREATE twice, then a dropped gateway whose session resumes: one row for one wish."""
    before = len(rows(stack))
    stack.server.world.faults.duplicate("INTERACTION_CREATE")
    _, job_id = await ask(stack)
    stack.server.world.faults.drop_gateway()
    await is_delivered(stack, job_id)
    assert len(rows(stack)) == before + 1
    await until(lambda: stack.server.is_bot_ready, "the bot's return")
    await check(stack)


async def kill_during(stack: WiredStack, fault: Fault, act: asyncio.Task[object]) -> None:
    """Kill the bot while Discord holds the call that `fault` names, and start it again."""
    await until(lambda: fault.hits, "the call")
    await asyncio.sleep(0.2)  # the held call's effect, where it has one, is made by now
    stack.children["bot"].kill()
    act.cancel()
    await asyncio.gather(act, return_exceptions=True)
    stack.server.world.faults.clear()
    await stack.restart("bot")


def hold(stack: Stack, method: str, path: str, *, after_commit: bool) -> Fault:
    """Have Discord sit on the next such call, before or after it takes effect."""
    return stack.server.world.faults.add(Fault(method, path, Delay(3, after_commit=after_commit)))


async def test_a_bot_killed_before_it_accepts_has_accepted_nothing(stack: WiredStack) -> None:
    """Between the defer and the ledger: no row, no picture, and the member may ask again."""
    before = len(rows(stack))
    fault = hold(stack, "POST", r"/callback$", after_commit=True)
    await kill_during(stack, fault, asyncio.create_task(_slash(stack)))
    assert len(rows(stack)) == before
    await check(stack)


@pytest.mark.parametrize(
    ("method", "path", "after_commit"),
    [("PATCH", EDIT_ANSWER, False), ("PATCH", EDIT_ANSWER, True), ("POST", r"/threads$", True)],
    ids=["before it shows the job", "before it knows that it is shown", "before it stores the thread"],
)
async def test_a_bot_killed_after_it_accepted(stack: WiredStack, method: str, path: str, after_commit: bool) -> None:
    """The next process draws the job, and the placeholder the member saw ends as “Done”, not as “Queued”."""
    fault = hold(stack, method, path, after_commit=after_commit)
    await kill_during(stack, fault, asyncio.create_task(_slash(stack)))
    job = rows(stack)[-1]
    await is_delivered(stack, job["id"])
    await check(stack)
    _no_stale_status(stack)


async def test_a_bot_killed_before_it_knows_its_reply(stack: WiredStack) -> None:
    """Again's status message is an ordinary reply: the next process finds it by its button and finishes it."""
    _, first = await ask(stack)
    await is_delivered(stack, first)
    [result] = results(stack, first)
    fault = hold(stack, "POST", POST_MESSAGE, after_commit=True)
    await kill_during(stack, fault, asyncio.create_task(stack.server.member("luna").press(result, "Again")))
    job = rows(stack)[-1]
    assert job["parent_id"] == first
    await is_delivered(stack, job["id"])
    await check(stack)
    _no_stale_status(stack)


async def test_a_bot_stopped_in_mid_job_says_how_it_ended_when_it_is_back(stack: WiredStack) -> None:
    """SIGTERM ends the bot with 0 while a job runs; the picture comes without it, the last line with the next one."""
    status, job_id = await ask(stack, steps=30, size="256x256")
    await is_running(stack, job_id)
    stack.children["bot"].ask_to_stop()
    assert await asyncio.to_thread(stack.children["bot"].wait, 180) == 0
    await until(lambda: results(stack, job_id), "the picture without the bot")
    await stack.restart("bot")
    await until(lambda: "Done" in status.content, "the last edit of the status message")
    await check(stack)


async def _slash(stack: Stack) -> object:
    wish = {"prompt": "a red circle on a white background", "size": "128x128", "steps": 2}
    use = await stack.server.member("luna").slash("imagine", wish, wait=False)
    return await use.answer(timeout=60)


def _no_stale_status(stack: Stack) -> None:
    """No message that offers Cancel is left: every job has ended."""
    messages = list(stack.server.world.all_messages())
    stale = [message.content for message in messages if "Cancel" in message.labels() and job_ids(message)]
    assert not stale
