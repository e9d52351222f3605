"""The queue: its state, who waits, pausing, draining, moving and cancelling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.administration.desk import Desk, Listing, mention
from bot.dispatcher import CancelResult
from bot.ledger.audit import EVERYWHERE
from bot.ledger.job import OPEN, Job, State
from bot.presenter import duration, plain
from bot.refusal import Refusal

PRIORITIES = {"high": 1, "normal": 0, "low": -1}
_DOING = {
    State.REWRITING: "being worded",
    State.WAITING: "waiting",
    State.DISPATCHED: "next in line",
    State.RUNNING: "being drawn",
    State.DELIVERING: "being posted",
}
_DAY = timedelta(days=1)


async def status(desk: Desk) -> list[str]:
    """What is paused, what waits for each model and for how long, and how the last day's jobs ended."""
    ledger = desk.ledger
    lines = []
    pause, drain = await ledger.pause(), await desk.governance.drain()
    if pause is not None:
        lines.append(f"Paused by {mention(pause.by or 0)}: {plain(pause.reason, 200)}")
    if drain is not None:
        lines.append(f"Draining for {mention(drain.by or 0)}, nothing new is accepted: {plain(drain.reason, 200)}")
    gpus = await desk.fleet.gpus_by_model()
    for model, counts in sorted((await ledger.counts()).items()):
        figures = ", ".join(f"{counts[state]} {_DOING[state]}" for state in OPEN if counts.get(state))
        left_s = await desk.governance.seconds_of_work(model)
        eta = f" · done in {duration(left_s / gpus[model])}" if left_s is not None and gpus.get(model) else ""
        lines.append(f"**{plain(model, 60)}**: {figures or 'nothing to do'}{eta}")
    ended = await desk.governance.endings(_DAY)
    return [*lines, _endings(ended)] if ended else lines


def _endings(ended: Mapping[str, int]) -> str:
    total = sum(ended.values())
    failed = {how.partition(" ")[2]: number for how, number in ended.items() if how.startswith("failed")}
    reasons = ", ".join(f"{number} {code}" for code, number in failed.items())
    rate = 100 * sum(failed.values()) / total
    return f"Last 24 hours: {total} jobs ended, {rate:.1f} % failed" + (f" ({reasons})" if reasons else "")


async def waiting(desk: Desk) -> Listing:
    """Every open job of this server, oldest first."""
    jobs = [job for job in await desk.ledger.open_jobs() if desk.concerns(job)]
    return Listing(f"{len(jobs)} open jobs", tuple(map(_line, jobs)), "Nobody is waiting.")


def _line(job: Job) -> str:
    asked = int(job.created_at.timestamp())
    priority = next(name for name, value in PRIORITIES.items() if value == job.priority)
    shown = "" if priority == "normal" else f" · {priority}"
    doing = "being cancelled" if job.cancel_requested else _DOING[job.state]
    return f"`{job.id}` {mention(job.user_id)} · {plain(job.request.model, 40)} · {doing} · <t:{asked}:R>{shown}"


async def pause(desk: Desk, reason: str) -> str:
    """Start no more jobs; those being drawn are finished, new ones are accepted and wait."""
    before = await desk.ledger.paused()
    await desk.ledger.set_paused(reason or "back soon", by=desk.actor.user_id)
    await desk.note("pause", before=before, after=reason or "back soon")
    await desk.queue_moved()
    return "Paused: what is being drawn is finished, the rest waits for /admin resume."


async def drain(desk: Desk, reason: str) -> str:
    """Accept nothing new, and finish all that was accepted: what comes before an update."""
    before = await desk.governance.drain()
    await desk.governance.set_drain(reason or "back soon", by=desk.actor.user_id)
    await desk.note("drain", before=before and before.reason, after=reason or "back soon")
    left = sum(sum(counts.values()) for counts in (await desk.ledger.counts()).values())
    return f"Draining: nothing new is accepted, and {left} open jobs are finished. /admin resume ends it."


async def resume(desk: Desk) -> str:
    """End a pause and a drain."""
    paused, draining = await desk.ledger.paused(), await desk.governance.drain()
    if paused is None and draining is None:
        return "Nothing was paused."
    await desk.ledger.set_paused(None, by=desk.actor.user_id)
    await desk.governance.set_drain(None, by=desk.actor.user_id)
    await desk.note("resume", before={"paused": paused, "draining": draining and draining.reason})
    desk.dispatcher.wake()
    await desk.queue_moved()
    return "Resumed."


async def move(desk: Desk, job_id: str, priority: str) -> str:
    """Put a waiting job into another weight class."""
    if priority not in PRIORITIES:
        raise Refusal(f"There is no priority “{plain(priority, 20)}”; choose {', '.join(PRIORITIES)}.")
    job = await desk.job(job_id)
    if not await desk.ledger.set_priority(job.id, PRIORITIES[priority]):
        raise Refusal("This job has begun already; only waiting ones can be moved.")
    await desk.note("queue move", job.id, job.priority, PRIORITIES[priority])
    desk.dispatcher.wake()
    await desk.queue_moved()
    return f"Moved: this job now waits with {priority} priority."


async def cancel_one(desk: Desk, job_id: str) -> str:
    """Cancel one job of this server. Raises Refusal where it is too late."""
    job = await desk.job(job_id)
    result = await _cancel(desk, job)
    if result is CancelResult.TOO_LATE:
        raise Refusal("It is too late to cancel: this is finished already.")
    if result is CancelResult.STOPPING:
        return "Cancelling; it stops at the next step."
    return "Cancelled before it was begun."


async def cancel_all(desk: Desk, user_id: int) -> str:
    """Cancel every open job of a member in this server."""
    jobs = await open_of(desk, user_id)
    if not jobs:
        return f"{mention(user_id)} has no pictures waiting or being drawn."
    done = [await _cancel(desk, job) for job in jobs]
    cancelled = sum(result is not CancelResult.TOO_LATE for result in done)
    return f"Cancelled {cancelled} of {len(jobs)} open pictures of {mention(user_id)}."


async def open_of(desk: Desk, user_id: int) -> list[Job]:
    """A member's open jobs that are the actor's business."""
    return await desk.ledger.open_jobs_of(user_id, None if desk.guild_id == EVERYWHERE else desk.guild_id)


async def _cancel(desk: Desk, job: Job) -> CancelResult:
    result = await desk.dispatcher.cancel(job.id)
    await desk.refresh(job.id)
    if result is not CancelResult.TOO_LATE:
        await desk.note("cancel", job.id, {"state": job.state, "user_id": job.user_id}, {"result": result})
    return result
