"""Quotas: taken atomically, given back to the millisecond, and gone at midnight."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.ledger import quota
from bot.ledger.allowance import Allowance, QuotaReached, Usage
from bot.ledger.audit import Actor
from bot.ledger.job import Caps, Job, NewJob
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.ledger.schema import charges, usage
from flux2.request import GenerationRequest
from worker.contract import Destination, FailureCode, Finished, Picture, Released, RenderResult, Skeleton, Started

MakeJob = Callable[..., NewJob]
TEN_PICTURES = Caps(1000, 1000, allowance=Allowance(pictures_per_day=10))


def result(job_id: str, seconds: float, failure: FailureCode | None = None) -> RenderResult:
    """The end of a run: one picture, or a failure."""
    picture = Picture(sha256="a" * 64, output_format="webp", width=128, height=128, size_bytes=10, seed=1)
    return RenderResult(
        job_id=job_id, attempt=1, pictures=() if failure else (picture,), seconds=seconds, failure=failure
    )


async def test_a_hundred_at_once_against_ten_give_ten(ledger: Ledger, new_job: MakeJob) -> None:
    """Of a hundred concurrent wishes against a quota of ten exactly ten are accepted, the others told the figures."""
    outcomes = await asyncio.gather(
        *(ledger.accept(new_job(), TEN_PICTURES) for _ in range(100)), return_exceptions=True
    )
    accepted = [one for one in outcomes if isinstance(one, Job)]
    refused = [one for one in outcomes if isinstance(one, QuotaReached)]
    assert (len(accepted), len(refused)) == (10, 90)
    assert {(one.limit, one.used, one.most) for one in refused} == {("pictures", 10, 10)}
    assert len(await ledger.open_jobs()) == 10
    assert (await ledger.governance.usage(1, 7)).pictures == 10


async def test_a_picture_of_several_counts_each(ledger: Ledger, new_job: MakeJob) -> None:
    """A job of four takes four; where only three are left nothing is taken."""
    caps = replace(TEN_PICTURES, allowance=Allowance(pictures_per_day=7))
    four = new_job().request.model_copy(update={"count": 4})
    await ledger.accept(new_job(request=four), caps)
    with pytest.raises(QuotaReached):
        await ledger.accept(new_job(request=four), caps)
    await ledger.accept(new_job(), caps)
    assert (await ledger.governance.usage(1, 7)).pictures == 5


async def test_servers_and_members_have_quotas_of_their_own(ledger: Ledger, new_job: MakeJob) -> None:
    """What one member used on one server is nobody else's loss."""
    one = replace(TEN_PICTURES, allowance=Allowance(pictures_per_day=1))
    await ledger.accept(new_job(), one)
    await ledger.accept(new_job(user_id=8), one)
    await ledger.accept(new_job(guild_id=2), one)
    with pytest.raises(QuotaReached):
        await ledger.accept(new_job(), one)


async def test_gpu_seconds_are_estimated_then_measured(ledger: Ledger, new_job: MakeJob) -> None:
    """An unmeasured job takes ten seconds; what is not used of them can be used again."""
    caps = replace(TEN_PICTURES, allowance=Allowance(gpu_seconds_per_day=15))
    job = await ledger.accept(new_job(), caps)
    with pytest.raises(QuotaReached) as refused:
        await ledger.accept(new_job(), caps)
    assert (refused.value.limit, refused.value.used, refused.value.most) == ("gpu_seconds", 10, 15)
    assert refused.value.frees_at == quota.next_day(now())
    await ledger.apply(Finished(job_id=job.id, attempt=1, seconds=1.5), result(job.id, 1.5))
    assert await ledger.governance.usage(1, 7) == Usage(1500, 1)
    await ledger.accept(new_job(), caps)


async def test_the_cooldown_says_when_it_ends(ledger: Ledger, new_job: MakeJob) -> None:
    """A second job within the cooldown is refused with the moment it will be welcome."""
    caps = replace(TEN_PICTURES, allowance=Allowance(cooldown_s=60))
    first = await ledger.accept(new_job(), caps)
    with pytest.raises(QuotaReached) as refused:
        await ledger.accept(new_job(), caps)
    assert refused.value.limit == "cooldown"
    assert refused.value.frees_at == first.created_at + timedelta(seconds=60)
    await ledger.accept(new_job(user_id=8), caps)


async def test_what_was_refused_in_the_end_starts_no_cooldown(ledger: Ledger, new_job: MakeJob) -> None:
    """A job whose turn came too late for an answer was accepted for a moment; one that was placed counts."""
    caps = replace(TEN_PICTURES, allowance=Allowance(cooldown_s=60))
    refused = await ledger.accept(new_job(), caps)
    await ledger.request_cancel(refused.id)
    placed = await ledger.accept(new_job(), caps)
    await ledger.set_destination(placed.id, Destination(channel_id=1), None)
    await ledger.request_cancel(placed.id)
    with pytest.raises(QuotaReached):
        await ledger.accept(new_job(), caps)


async def test_a_part_run_job_pays_its_part(ledger: Ledger, new_job: MakeJob) -> None:
    """A cancelled job gives its pictures back and pays the seconds it ran; one that never ran pays nothing."""
    waiting = await ledger.accept(new_job(), TEN_PICTURES)
    await ledger.request_cancel(waiting.id)
    assert await ledger.governance.usage(1, 7) == Usage(0, 0)
    job = await ledger.accept(new_job(), TEN_PICTURES)
    await ledger.set_destination(job.id, Destination(channel_id=2), None)
    await ledger.pick("sample", 2)
    await ledger.apply(Started(job_id=job.id, attempt=1, worker="w"), None)
    await asyncio.sleep(0.02)
    await ledger.request_cancel(job.id)
    await ledger.drop(job.id)
    paid = await ledger.governance.usage(1, 7)
    assert paid.pictures == 0
    assert 20 <= paid.gpu_ms < 10_000


async def test_what_an_admin_forgives_does_not_come_back(ledger: Ledger, new_job: MakeJob) -> None:
    """After a reset the end of a job from before it changes nothing, and nothing goes below zero."""
    job = await ledger.accept(new_job(), TEN_PICTURES)
    assert (await ledger.governance.forgive(Actor(1, 1), 7)).pictures == 1
    await ledger.request_cancel(job.id)
    assert await ledger.governance.usage(1, 7) == Usage(0, 0)


def test_the_day_ends_at_midnight_utc() -> None:
    """The last moment of a day frees up a microsecond later, in whatever zone it is given."""
    late = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
    assert quota.next_day(late) == datetime(2026, 11, 21, tzinfo=UTC)
    assert quota.today(late) + 1 == quota.today(quota.next_day(late))


def _job(number: int, user_id: int, count: int) -> NewJob:
    job_id = f"{number:016x}"
    request = GenerationRequest(
        model="sample", prompt="a", width=128, height=128, num_inference_steps=4, seed=1, count=count
    )
    skeleton = Skeleton(content="", nonce="r", failure_nonce="n", file_stem="f", file_size_limit=1)
    return NewJob(
        id=job_id,
        idempotency_key=f"i{number}",
        source="imagine",
        user_id=user_id,
        guild_id=1,
        channel_id=2,
        request=request,
        skeleton=skeleton,
    )


async def _live(seed: int) -> None:
    lot = random.Random(seed)
    caps = Caps(1000, 1000, allowance=Allowance(pictures_per_day=30, gpu_seconds_per_day=200))
    expected: dict[int, list[float]] = {1: [0, 0], 2: [0, 0]}
    with tempfile.TemporaryDirectory() as folder:
        ledger = await Ledger.open(f"sqlite+aiosqlite:///{folder}/ledger.db")
        for number in range(12):
            user_id, count = lot.choice((1, 2)), lot.randint(1, 3)
            try:
                job = await ledger.accept(_job(number, user_id, count), caps)
            except QuotaReached:
                continue
            await ledger.set_destination(job.id, Destination(channel_id=2), None)
            match lot.choice(("wait", "cancel", "fail", "draw", "lose", "retake")):
                case "wait":
                    charge = await ledger._database.read(
                        lambda it, job=job: it.execute(select(charges).where(charges.c.job_id == job.id)).one()
                    )
                    expected[user_id][0] += charge.gpu_ms
                    expected[user_id][1] += count
                case "cancel":
                    await ledger.request_cancel(job.id)
                case "fail":
                    failed = result(job.id, lot.random(), FailureCode.REFUSED)
                    await ledger.apply(Finished(job_id=job.id, attempt=1, seconds=1), failed)
                case "draw" | "lose" | "retake" as end:
                    done = result(job.id, lot.random() * 3)
                    event = Finished(job_id=job.id, attempt=1, seconds=done.seconds)
                    await ledger.apply(event, done)
                    if end != "draw":
                        gone = Released(job_id=job.id, attempt=1, reason="blob_missing", charged=False)
                        await ledger.apply(gone, None)
                    if end == "lose":
                        await ledger.request_cancel(job.id)
                        continue
                    if end == "retake":
                        done = done.model_copy(update={"attempt": 2, "seconds": 1.25})
                        await ledger.apply(event.model_copy(update={"attempt": 2}), done)
                    expected[user_id][0] += round(1000 * done.seconds)
                    expected[user_id][1] += 1
        for user_id, (gpu_ms, pictures) in expected.items():
            assert await ledger.governance.usage(1, user_id) == Usage(int(gpu_ms), int(pictures))
        sums = [
            await ledger._database.read(
                lambda it, table=table: it.execute(select(func.sum(table.c.gpu_ms), func.sum(table.c.pictures))).one()
            )
            for table in (usage, charges)
        ]
        assert sums[0] == sums[1]
        await ledger.close()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_refunds_are_exact(seed: int) -> None:
    """After random waits, cancels, failures, pictures and lost pictures, usage is to the millisecond what stands."""
    asyncio.run(_live(seed))
