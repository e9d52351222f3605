"""Whose turn it is: no member and no weight class starves, and places told to members are the ones they get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from bot.ledger.job import Job, Outcome, State
from bot.ledger.ledger import Ledger
from worker.contract import Finished, Picture, Released, RenderResult, Started

QueueUp = Callable[..., Awaitable[Job]]
PICTURE = Picture(sha256="a" * 64, output_format="webp", width=128, height=128, size_bytes=10, seed=1)
UNCAPPED = 1000


async def run(ledger: Ledger, job: Job, seconds: float, *, attempt: int = 1) -> None:
    """Let a picked job be drawn in `seconds`."""
    await ledger.apply(Started(job_id=job.id, attempt=attempt, worker="w"), None)
    result = RenderResult(job_id=job.id, attempt=attempt, pictures=(PICTURE,), seconds=seconds)
    await ledger.apply(Finished(job_id=job.id, attempt=attempt, seconds=seconds), result)


async def draw_next(ledger: Ledger, seconds: float = 1.0, model: str = "sample") -> Job:
    """Pick the next job and let it be drawn."""
    job = await ledger.pick(model, UNCAPPED)
    assert job is not None
    await run(ledger, job, seconds)
    return job


async def test_one_job_is_not_kept_waiting_by_two_hundred(ledger: Ledger, queue_up: QueueUp) -> None:
    """While one member has 200 waiting and some drawn, another's single job is picked next."""
    for _ in range(200):
        await queue_up(user_id=1)
    for _ in range(20):
        assert (await draw_next(ledger, seconds=0.3)).user_id == 1
    single = await queue_up(user_id=2)
    place = await ledger.place(single.id)
    assert place is not None
    assert place.position == 1
    assert (await draw_next(ledger)).id == single.id


async def test_past_work_is_no_debt_and_rest_no_credit(ledger: Ledger, queue_up: QueueUp) -> None:
    """Who drew alone for long shares evenly with a newcomer from then on, instead of waiting until both had as much."""
    for _ in range(30):
        await queue_up(user_id=1)
        await draw_next(ledger, seconds=10.0)
    for _ in range(10):
        await queue_up(user_id=1)
        await queue_up(user_id=2)
    assert Counter([(await draw_next(ledger, seconds=10.0)).user_id for _ in range(10)]) == {1: 5, 2: 5}


async def test_members_share_seconds_not_jobs(ledger: Ledger, queue_up: QueueUp) -> None:
    """One asks for jobs of 30 s, one for jobs of 10 s: the second gets three for each of the first's."""
    for _ in range(20):
        await queue_up(user_id=1, steps=24)
        await queue_up(user_id=2, steps=8)
    drawn: Counter[int] = Counter()
    for _ in range(20):
        job = await ledger.pick("sample", UNCAPPED)
        assert job is not None
        await run(ledger, job, job.request.num_inference_steps * 1.25)
        drawn[job.user_id] += 1
    assert drawn[1] == 5
    assert drawn[2] == 15


async def test_a_members_jobs_come_in_the_order_of_asking(ledger: Ledger, queue_up: QueueUp) -> None:
    """First in, first out, inside one member."""
    asked = [(await queue_up()).id for _ in range(12)]
    assert [(await draw_next(ledger)).id for _ in range(12)] == asked


async def test_weight_classes_share_four_two_one(ledger: Ledger, queue_up: QueueUp) -> None:
    """With all three waiting, 28 picks go 16, 8 and 4, however many members each has; low is served from the start."""
    for _ in range(40):
        await queue_up(user_id=1, priority=1)
        await queue_up(user_id=2, priority=0)
        for user in (3, 4, 5):
            await queue_up(user_id=user, priority=-1)
    picks = [(await draw_next(ledger)).priority for _ in range(28)]
    assert Counter(picks) == {1: 16, 0: 8, -1: 4}
    assert Counter(picks[:7]) == {1: 4, 0: 2, -1: 1}


async def test_a_class_that_rested_gets_no_more_than_its_share(ledger: Ledger, queue_up: QueueUp) -> None:
    """High priority that comes after a long time alone of low takes four of five, not everything."""
    for _ in range(60):
        await queue_up(user_id=1, priority=-1)
    for _ in range(30):
        await draw_next(ledger)
    for _ in range(30):
        await queue_up(user_id=2, priority=1)
    assert Counter([(await draw_next(ledger)).priority for _ in range(20)]) == {1: 16, -1: 4}


async def test_the_running_cap_passes_over_a_member(ledger: Ledger, queue_up: QueueUp) -> None:
    """A member with two jobs in flight is passed over until one of them ends; across models."""
    for _ in range(5):
        await queue_up(user_id=1)
    await queue_up(user_id=1, model="other")
    first, second = await ledger.pick("sample", 2), await ledger.pick("other", 2)
    assert first is not None
    assert second is not None
    assert await ledger.pick("sample", 2) is None
    other = await queue_up(user_id=2)
    third = await ledger.pick("sample", 2)
    assert third is not None
    assert third.id == other.id
    await run(ledger, first, 1.0)
    fourth = await ledger.pick("sample", 2)
    assert fourth is not None
    assert fourth.user_id == 1


async def test_models_do_not_wait_for_each_other(ledger: Ledger, queue_up: QueueUp) -> None:
    """Each model has its own queue."""
    await queue_up(model="sample")
    other = await queue_up(model="other")
    assert await ledger.waiting_models() == ["other", "sample"]
    assert (await draw_next(ledger, model="other")).id == other.id
    assert await ledger.waiting_models() == ["sample"]


async def test_a_lost_run_is_not_charged(ledger: Ledger, queue_up: QueueUp) -> None:
    """A member whose worker died is as near to the next turn as before, and their job is still their oldest."""
    mine = [await queue_up(user_id=1), await queue_up(user_id=1)]
    await queue_up(user_id=2)
    first = await ledger.pick("sample", UNCAPPED)
    assert first is not None
    assert first.id == mine[0].id
    await ledger.apply(Started(job_id=first.id, attempt=1, worker="w"), None)
    await ledger.apply(Released(job_id=first.id, attempt=1, reason="died", charged=True), None)
    again = {(await ledger.pick("sample", UNCAPPED)).id for _ in range(2)}  # type: ignore[union-attr]
    assert mine[0].id in again
    assert mine[1].id not in again


@pytest.mark.parametrize("measured", [True, False])
async def test_places_are_what_comes(ledger: Ledger, queue_up: QueueUp, measured: bool) -> None:
    """The place told to every waiting job is the order in which they are then picked, with its reason."""
    if measured:
        await queue_up(user_id=9)
        await draw_next(ledger, seconds=2.0)
    asked = []
    for number in range(30):
        asked.append(await queue_up(user_id=number % 7 % 4, priority=number % 5 % 3 - 1, steps=4 + number % 11))
    in_front = [await ledger.pick("sample", UNCAPPED) for _ in range(2)]
    told = {}
    for job in asked:
        place = await ledger.place(job.id)
        assert place is not None
        told[place.position] = (job, place)
    assert sorted(told) == list(range(1, 31))
    order = [*in_front, *[await ledger.pick("sample", UNCAPPED) for _ in range(28)]]
    seen: Counter[int] = Counter()
    for position, job in enumerate(order, start=1):
        assert job is not None
        expected, place = told[position]
        assert job.id == expected.id
        assert place.own_ahead == seen[job.user_id]
        assert place.own_ahead + place.others_ahead == position - 1
        seen[job.user_id] += 1


async def test_an_eta_needs_a_measure_and_a_gpu(ledger: Ledger, queue_up: QueueUp) -> None:
    """Seconds are told once a picture was timed and a GPU is there; two GPUs halve the wait but not the drawing."""
    first = await queue_up(user_id=1)
    ledger.set_gpus({"sample": 1})
    place = await ledger.place(first.id)
    assert place is not None
    assert place.eta_s is None
    await draw_next(ledger, seconds=4.0)
    assert await ledger.seconds_per_cost("sample") == pytest.approx(4.0 / first.request.cost)
    queued = [await queue_up(user_id=1) for _ in range(3)]

    async def eta() -> float | None:
        place = await ledger.place(queued[2].id)
        assert place is not None
        return place.eta_s

    assert await eta() == pytest.approx(12.0)
    ledger.set_gpus({"sample": 2})
    assert await eta() == pytest.approx(8.0)
    ledger.set_gpus({})
    assert await eta() is None


async def test_a_begun_job_has_no_place(ledger: Ledger, queue_up: QueueUp) -> None:
    """A running or closed job stands nowhere, and those behind move up."""
    first, second = await queue_up(), await queue_up()
    picked = await ledger.pick("sample", UNCAPPED)
    assert picked is not None
    await ledger.apply(Started(job_id=first.id, attempt=1, worker="w"), None)
    assert await ledger.place(first.id) is None
    assert await ledger.place("f" * 16) is None
    place = await ledger.place(second.id)
    assert place is not None
    assert (place.position, place.own_ahead) == (1, 0)
    cancelled = await ledger.request_cancel(second.id)
    assert (cancelled.state, cancelled.outcome) == (State.CLOSED, Outcome.CANCELLED)
    assert await ledger.place(second.id) is None


async def test_counts_by_model_and_state(ledger: Ledger, queue_up: QueueUp) -> None:
    """The operator sees what waits and what runs."""
    for _ in range(3):
        await queue_up()
    await queue_up(model="other")
    await ledger.pick("sample", UNCAPPED)
    assert await ledger.counts() == {
        "sample": {State.WAITING: 2, State.DISPATCHED: 1},
        "other": {State.WAITING: 1},
    }
    assert await ledger.in_flight("sample") == 1
