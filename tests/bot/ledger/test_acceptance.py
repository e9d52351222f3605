"""Letting jobs in: atomic against caps, once per event, and found again by whatever members hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.ledger.job import (
    AlreadyAccepted,
    Caps,
    GuildCapReached,
    Job,
    MemberCapReached,
    NewJob,
    Outcome,
    State,
    Status,
)
from bot.ledger.ledger import Ledger
from worker.contract import Delivered, Destination, Started

MakeJob = Callable[..., NewJob]
QueueUp = Callable[..., Awaitable[Job]]


async def test_a_hundred_at_once_never_pass_the_members_cap(ledger: Ledger, new_job: MakeJob) -> None:
    """Of 100 concurrent wishes of one member with a cap of 7, exactly 7 are accepted."""
    wishes = [ledger.accept(new_job(), Caps(per_member=7, per_guild=1000)) for _ in range(100)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, MemberCapReached)]
    assert sum(isinstance(answer, Job) for answer in answers) == 7
    assert len(refusals) == 93
    assert {(refusal.open, refusal.cap) for refusal in refusals} == {(7, 7)}
    assert len(await ledger.open_jobs_of(7)) == 7


async def test_a_hundred_members_never_pass_the_guilds_cap(ledger: Ledger, new_job: MakeJob) -> None:
    """Of 100 members of one server with a cap of 30, exactly 30 get in; another server is not touched by it."""
    caps = Caps(per_member=5, per_guild=30)
    answers = await asyncio.gather(
        *(ledger.accept(new_job(user_id=user), caps) for user in range(100)), return_exceptions=True
    )
    assert sum(isinstance(answer, Job) for answer in answers) == 30
    assert sum(isinstance(answer, GuildCapReached) for answer in answers) == 70
    await ledger.accept(new_job(user_id=1000, guild_id=2), caps)


async def test_the_same_event_twice_at_once_is_one_job(ledger: Ledger, new_job: MakeJob, caps: Caps) -> None:
    """A replayed interaction meets the job its first copy made, even when both run at the same time."""
    answers = await asyncio.gather(
        *(ledger.accept(new_job(idempotency_key="i99"), caps) for _ in range(10)), return_exceptions=True
    )
    accepted = [answer for answer in answers if isinstance(answer, Job)]
    twins = [answer for answer in answers if isinstance(answer, AlreadyAccepted)]
    assert len(accepted) == 1
    assert {twin.job.id for twin in twins} == {accepted[0].id}
    assert len(twins) == 9


async def test_a_closed_job_frees_its_place(ledger: Ledger, new_job: MakeJob) -> None:
    """Caps count open jobs only."""
    caps = Caps(per_member=1, per_guild=1)
    job = await ledger.accept(new_job(), caps)
    await ledger.request_cancel(job.id)
    assert (await ledger.accept(new_job(), caps)).state is State.WAITING


async def test_what_was_accepted_is_read_back_whole(ledger: Ledger, new_job: MakeJob, caps: Caps) -> None:
    """Every field survives the database, times aware and in UTC."""
    wish = new_job(notes=("Size snapped.",), priority=1, parent_id="0" * 16, source="edit")
    job = await ledger.accept(wish, caps)
    for field in NewJob.__dataclass_fields__:
        assert getattr(job, field) == getattr(wish, field)
    expires = datetime.now(UTC) + timedelta(minutes=15)
    status = Status(channel_id=5, message_id=6, interaction_token="t", token_expires_at=expires, application_id=9)
    destination = Destination(channel_id=5, guild_id=1, fallback_channel_id=4, dm_user_id=7)
    await ledger.set_destination(job.id, destination, status)
    read = await ledger.get(job.id)
    assert read is not None
    assert read.status == status
    assert read.destination == destination
    assert read.created_at.tzinfo is UTC
    assert abs(read.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_without_a_destination_nothing_is_picked(ledger: Ledger, new_job: MakeJob, caps: Caps) -> None:
    """An accepted job waits for its destination; nobody is asked to draw what cannot be posted."""
    job = await ledger.accept(new_job(), caps)
    assert await ledger.pick("sample", 2) is None
    await ledger.set_destination(job.id, Destination(channel_id=5), None)
    picked = await ledger.pick("sample", 2)
    assert picked is not None
    assert (picked.id, picked.state, picked.attempt) == (job.id, State.DISPATCHED, 1)


async def test_cancel_in_each_state(ledger: Ledger, queue_up: QueueUp) -> None:
    """Waiting: closed at once. In flight: noted. Cancelled again or unknown: nothing new."""
    waiting = await queue_up()
    closed = await ledger.request_cancel(waiting.id)
    assert (closed.state, closed.outcome) == (State.CLOSED, Outcome.CANCELLED)
    assert await ledger.request_cancel(waiting.id) == closed
    job = await queue_up()
    await ledger.pick("sample", 2)
    noted = await ledger.request_cancel(job.id)
    assert (noted.state, noted.cancel_requested) == (State.DISPATCHED, True)
    with pytest.raises(KeyError):
        await ledger.request_cancel("f" * 16)


async def test_statuses_that_wait_for_their_last_edit(ledger: Ledger, new_job: MakeJob, caps: Caps) -> None:
    """Closed jobs with a status message are listed until that message was finished; those without never are."""
    shown, unshown = await ledger.accept(new_job(), caps), await ledger.accept(new_job(), caps)
    await ledger.set_destination(shown.id, Destination(channel_id=5), Status(channel_id=5, message_id=6))
    await ledger.set_destination(unshown.id, Destination(channel_id=5), None)
    for job in (shown, unshown):
        await ledger.request_cancel(job.id)
    assert [job.id for job in await ledger.unfinished_statuses()] == [shown.id]
    await ledger.status_finished(shown.id)
    assert await ledger.unfinished_statuses() == []


async def test_a_result_is_found_by_its_message(ledger: Ledger, queue_up: QueueUp) -> None:
    """Replies and buttons know a message; the ledger knows whose pictures it carries."""
    job = await queue_up()
    await ledger.apply(Started(job_id=job.id, attempt=1, worker="w"), None)
    await ledger.apply(Delivered(job_id=job.id, channel_id=5, message_id=2**62), None)
    found = await ledger.by_result_message(2**62)
    assert found is not None
    assert found.id == job.id
    assert await ledger.by_result_message(1) is None


async def test_pause_is_kept_with_its_author(ledger: Ledger) -> None:
    """The queue stays paused over a restart, and whoever asks learns why, by whom and since when."""
    assert await ledger.paused() is None
    await ledger.set_paused("cooling", by=3)
    pause = await ledger.pause()
    assert pause is not None
    assert (pause.reason, pause.by) == ("cooling", 3)
    assert pause.since.tzinfo is UTC
    await ledger.set_paused("cooling still", by=4)
    assert await ledger.paused() == "cooling still"
    await ledger.set_paused(None, by=3)
    assert await ledger.paused() is None


async def test_facts_are_kept(ledger: Ledger) -> None:
    """The command hash and the cursor are read back as they were written."""
    assert await ledger.command_hash() is None
    await ledger.set_command_hash("abc")
    await ledger.set_command_hash("def")
    assert await ledger.command_hash() == "def"
    assert await ledger.cursor() == "0-0"
    await ledger.set_cursor("17-3")
    assert await ledger.cursor() == "17-3"
