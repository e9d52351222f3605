"""Jobs whose words come from a hosted language model first: on their way there, lost, cancelled, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import RedisError

from bot.dispatcher import CancelResult
from bot.ledger.job import Job, Outcome, State
from flux2.request import GenerationRequest
from flux2.upsampling.request import RewriteRequest
from worker.contract import EVENTS, RenderResult, Rewritten, lease_key

Stack = Any
QueueUp = Callable[..., Any]

DRAWN = GenerationRequest(
    model="sample", prompt="a fox", width=128, height=128, num_inference_steps=4, seed=1, upsample="openrouter"
)


async def job_of(stack: Stack, job: Job) -> Job:
    found = await stack.ledger.get(job.id)
    assert found is not None
    return found


def take(stack: Stack, job: Job, worker: str = "io") -> int:
    """Pop the job from the io queue and begin it, as a lane does."""
    assert stack.pop("io") == job.id
    attempt = stack.fence.begin(job.id, worker)
    assert isinstance(attempt, int)
    return attempt


async def test_a_job_is_worded_before_it_waits(stack: Stack, queue_up: QueueUp) -> None:
    """No GPU sees it until the words are there; then it is drawn from them, once, and rewritten by nobody again."""
    stack.serve("w1")
    job = await queue_up(request=DRAWN)
    assert job.state is State.REWRITING
    await stack.dispatcher.dispatch()
    assert (stack.entries("io"), stack.entries()) == ([f"{job.id}-w1"], [])
    attempt = take(stack, job)
    await stack.read()
    assert (await job_of(stack, job)).state is State.REWRITING
    stack.fence.announce_rewritten(
        Rewritten(job_id=job.id, attempt=attempt, prompt="a red fox", notes=("Prompt rewritten by x.",))
    )
    await stack.read()
    waiting = await job_of(stack, job)
    assert waiting.state is State.WAITING
    assert (waiting.request.prompt, waiting.request.upsample) == ("a red fox", "none")
    assert waiting.notes == ("Prompt rewritten by x.",)
    await stack.dispatcher.dispatch()
    assert stack.entries() == [f"{job.id}-r2"]
    assert stack.fence.job(job.id).request.prompt == "a red fox"


async def test_the_members_own_words_go_on_too(stack: Stack, queue_up: QueueUp) -> None:
    """An answer of nothing changes nothing but the notes."""
    stack.serve("w1")
    job = await queue_up(request=DRAWN)
    await stack.dispatcher.dispatch()
    attempt = take(stack, job)
    stack.fence.announce_rewritten(Rewritten(job_id=job.id, attempt=attempt, notes=("Away.",)))
    await stack.read()
    waiting = await job_of(stack, job)
    assert (waiting.state, waiting.request.prompt, waiting.notes) == (State.WAITING, "a fox", ("Away.",))


async def test_news_told_twice_changes_nothing_twice(stack: Stack, queue_up: QueueUp) -> None:
    """The same event from a stream read again does not touch a job that went on."""
    stack.serve("w1")
    job = await queue_up(request=DRAWN)
    await stack.dispatcher.dispatch()
    event = Rewritten(job_id=job.id, attempt=take(stack, job), prompt="a red fox", notes=("By x.",))
    stack.fence.announce_rewritten(event)
    await stack.read()
    await stack.news.apply(event)
    assert (await job_of(stack, job)).notes == ("By x.",)


async def test_a_dead_worker_loses_nothing(stack: Stack, queue_up: QueueUp) -> None:
    """Popped and never heard of again: once its lease is gone, the reconciler sends it once more."""
    stack.serve("w1")
    job = await queue_up(request=DRAWN)
    await stack.dispatcher.dispatch()
    take(stack, job, "dead")
    await stack.read()
    await stack.reconciler.reconcile()
    assert stack.entries("io") == []
    stack.lose_lease(job.id)
    for _ in range(2):
        await stack.reconciler.reconcile()
    await stack.dispatcher.dispatch()
    assert stack.entries("io") == [f"{job.id}-w2"]
    assert (await job_of(stack, job)).state is State.REWRITING


async def test_a_redis_that_forgot_everything_is_told_again(stack: Stack, queue_up: QueueUp) -> None:
    """The ledger knows what was sent."""
    stack.serve("w1")
    job = await queue_up(request=DRAWN)
    await stack.dispatcher.dispatch()
    stack.redis.flushall()
    for _ in range(2):
        await stack.reconciler.reconcile()
    await stack.dispatcher.dispatch()
    assert stack.entries("io") == [f"{job.id}-w2"]


async def test_a_send_that_failed_is_made_again(
    stack: Stack, queue_up: QueueUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the same number, so that one that did arrive is not doubled."""
    job = await queue_up(request=DRAWN)

    async def away(_job: Job) -> None:
        raise RedisError("away")

    with monkeypatch.context() as broken:
        broken.setattr(stack.queue, "rewrite", away)
        with pytest.raises(RedisError):
            await stack.dispatcher.dispatch()
    await stack.dispatcher.dispatch()
    assert stack.entries("io") == [f"{job.id}-w1"]


async def test_a_cancel_before_it_is_sent(stack: Stack, queue_up: QueueUp) -> None:
    """It closes at once, and is never sent."""
    job = await queue_up(request=DRAWN)
    assert await stack.dispatcher.cancel(job.id) is CancelResult.DROPPED
    await stack.dispatcher.dispatch()
    assert stack.entries("io") == []
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)


async def test_a_cancel_while_it_waits_for_a_lane(stack: Stack, queue_up: QueueUp) -> None:
    """The entry is taken off the queue again."""
    job = await queue_up(request=DRAWN)
    await stack.dispatcher.dispatch()
    assert await stack.dispatcher.cancel(job.id) is CancelResult.DROPPED
    assert stack.entries("io") == []
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)


async def test_a_cancel_while_it_is_asked(stack: Stack, queue_up: QueueUp) -> None:
    """The worker is told, and whatever it announces, the job ends as cancelled."""
    job = await queue_up(request=DRAWN)
    await stack.dispatcher.dispatch()
    attempt = take(stack, job)
    assert await stack.dispatcher.cancel(job.id) is CancelResult.STOPPING
    assert stack.fence.is_cancelled(job.id)
    stack.fence.announce_rewritten(Rewritten(job_id=job.id, attempt=attempt, prompt="a red fox"))
    await stack.read()
    assert await stack.state(job.id) == (State.CLOSED, Outcome.CANCELLED)


async def test_only_so_many_are_sent_at_once(stack: Stack, queue_up: QueueUp) -> None:
    """The rest waits here, where it can be cancelled; room that is made is used."""
    made = [await queue_up(request=DRAWN) for _ in range(10)]
    await stack.dispatcher.dispatch()
    assert len(stack.entries("io")) == 8
    attempt = take(stack, made[0])
    stack.fence.announce_rewritten(Rewritten(job_id=made[0].id, attempt=attempt))
    await stack.read()
    await stack.dispatcher.dispatch()
    assert len(stack.entries("io")) == 8


async def test_a_pause_keeps_them_too(stack: Stack, queue_up: QueueUp) -> None:
    """Nothing is paid for while nothing is drawn."""
    await queue_up(request=DRAWN)
    await stack.ledger.set_paused("repairs", 1)
    await stack.dispatcher.dispatch()
    assert stack.entries("io") == []


async def test_words_for_their_own_sake_need_no_gpu(stack: Stack, queue_up: QueueUp) -> None:
    """They are sent though no model is served, end with their words, and are nobody's GPU-seconds."""
    job = await queue_up(request=RewriteRequest(model="dev", route="openrouter", prompt="a fox"))
    await stack.dispatcher.dispatch()
    attempt = take(stack, job)
    result = RenderResult(job_id=job.id, attempt=attempt, seconds=3.0, words="a red fox")
    assert stack.fence.accept(result)
    await stack.read()
    done = await job_of(stack, job)
    assert (done.state, done.words) == (State.DELIVERING, "a red fox")
    assert await stack.ledger.seconds_per_cost("dev") is None
    stack.redis.delete(EVENTS, lease_key(job.id))


async def test_local_words_wait_for_their_gpu(stack: Stack, queue_up: QueueUp) -> None:
    """A text encoder lives on a GPU: such a job waits and is picked like a render."""
    stack.serve("w1")
    job = await queue_up(request=RewriteRequest(model="sample", route="local", prompt="a fox"))
    assert job.state is State.WAITING
    await stack.dispatcher.dispatch()
    assert stack.entries() == [f"{job.id}-r1"]


async def test_what_was_rewritten_on_the_gpu_is_the_jobs_prompt_from_then_on(stack: Stack, queue_up: QueueUp) -> None:
    """Again and Edit start from what was drawn, and ask for no second rewrite."""
    stack.serve("w1")
    job = await queue_up(request=DRAWN.model_copy(update={"upsample": "local"}))
    await stack.dispatcher.dispatch()
    job_id, attempt = stack.begin()
    result = stack.result(job_id, attempt).model_copy(update={"prompt": "a red fox"})
    assert stack.fence.accept(result)
    await stack.read()
    done = await job_of(stack, job)
    assert (done.request.prompt, done.request.upsample) == ("a red fox", "none")
