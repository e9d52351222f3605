"""The queue: its state, who waits, pausing, draining, moving and cancelling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.administration.desk import Desk, Listing, mention
from bot.dispatcher import CancelResult
from bot.language import N_, _
from bot.ledger.audit import EVERYWHERE
from bot.ledger.job import OPEN, Job, State
from bot.presenter import duration, plain
from bot.refusal import Refusal

PRIORITIES = {"high": 1, "normal": 0, "low": -1}
_DOING = {
    State.REWRITING: N_("being worded"),
    State.WAITING: N_("waiting"),
    State.DISPATCHED: N_("next in line"),
    State.RUNNING: N_("being drawn"),
    State.DELIVERING: N_("being posted"),
}
_DAY = timedelta(days=1)


async def status(desk: Desk) -> list[str]:
    """What is paused, what waits for each model and for how long, and how the last day's jobs ended."""
    ledger = desk.ledger
    lines = []
    pause, drain = await ledger.pause(), await desk.governance.drain()
    if pause is not None:
        lines.append(_("Paused by {by}: {reason}").format(by=mention(pause.by or 0), reason=plain(pause.reason, 200)))
    if drain is not None:
        lines.append(
            _("Draining for {by}, nothing new is accepted: {reason}").format(
                by=mention(drain.by or 0), reason=plain(drain.reason, 200)
            )
        )
    gpus = await desk.fleet.gpus_by_model()
    for model, counts in sorted((await ledger.counts()).items()):
        figures = ", ".join(f"{counts[state]} {_(_DOING[state])}" for state in OPEN if counts.get(state))
        line = f"**{plain(model, 60)}**: " + (figures or _("nothing to do"))
        left_s = await desk.governance.seconds_of_work(model)
        if left_s is not None and gpus.get(model):
            line += " · " + _("done in {duration}").format(duration=duration(left_s / gpus[model]))
        lines.append(line)
    ended = await desk.governance.endings(_DAY)
    return [*lines, _endings(ended)] if ended else lines


def _endings(ended: Mapping[str, int]) -> str:
    total = sum(ended.values())
    failed = {how.partition(" ")[2]: number for how, number in ended.items() if how.startswith("failed")}
    reasons = ", ".join(f"{number} {code}" for code, number in failed.items())
    rate = 100 * sum(failed.values()) / total
    said = _("Last 24 hours: {total} jobs ended, {rate:.1f} % failed").format(total=total, rate=rate)
    return f"{said} ({reasons})" if reasons else said


async def waiting(desk: Desk) -> Listing:
    """Every open job of this server, oldest first."""
    jobs = [job for job in await desk.ledger.open_jobs() if desk.concerns(job)]
    return Listing(_("{count} open jobs").format(count=len(jobs)), tuple(map(_line, jobs)), _("Nobody is waiting."))


def _line(job: Job) -> str:
    asked = int(job.created_at.timestamp())
    priority = next(name for name, value in PRIORITIES.items() if value == job.priority)
    shown = "" if priority == "normal" else f" · {priority}"
    doing = _("being cancelled") if job.cancel_requested else _(_DOING[job.state])
    return f"`{job.id}` {mention(job.user_id)} · {plain(job.request.model, 40)} · {doing} · <t:{asked}:R>{shown}"


async def pause(desk: Desk, reason: str) -> str:
    """Start no more jobs; those being drawn are finished, new ones are accepted and wait."""
    before, reason = await desk.ledger.paused(), reason or _("back soon")
    await desk.ledger.set_paused(reason, by=desk.actor.user_id)
    await desk.note("pause", before=before, after=reason)
    await desk.queue_moved()
    return _("Paused: what is being drawn is finished, the rest waits for /admin resume.")


async def drain(desk: Desk, reason: str) -> str:
    """Accept nothing new, and finish all that was accepted: what comes before an update."""
    before, reason = await desk.governance.drain(), reason or _("back soon")
    await desk.governance.set_drain(reason, by=desk.actor.user_id)
    await desk.note("drain", before=before and before.reason, after=reason)
    left = sum(sum(counts.values()) for counts in (await desk.ledger.counts()).values())
    return _("Draining: nothing new is accepted, and {left} open jobs are finished. /admin resume ends it.").format(
        left=left
    )


async def resume(desk: Desk) -> str:
    """End a pause and a drain."""
    paused, draining = await desk.ledger.paused(), await desk.governance.drain()
    if paused is None and draining is None:
        return _("Nothing was paused.")
    await desk.ledger.set_paused(None, by=desk.actor.user_id)
    await desk.governance.set_drain(None, by=desk.actor.user_id)
    await desk.note("resume", before={"paused": paused, "draining": draining and draining.reason})
    desk.dispatcher.wake()
    await desk.queue_moved()
    return _("Resumed.")


async def move(desk: Desk, job_id: str, priority: str) -> str:
    """Put a waiting job into another weight class."""
    if priority not in PRIORITIES:
        raise Refusal(
            _("There is no priority “{priority}”; choose {priorities}.").format(
                priority=plain(priority, 20), priorities=", ".join(PRIORITIES)
            )
        )
    job = await desk.job(job_id)
    if not await desk.ledger.set_priority(job.id, PRIORITIES[priority]):
        raise Refusal(_("This job has begun already; only waiting ones can be moved."))
    await desk.note("queue move", job.id, job.priority, PRIORITIES[priority])
    desk.dispatcher.wake()
    await desk.queue_moved()
    return _("Moved: this job now waits with {priority} priority.").format(priority=priority)


async def cancel_one(desk: Desk, job_id: str) -> str:
    """Cancel one job of this server. Raises Refusal where it is too late."""
    job = await desk.job(job_id)
    result = await _cancel(desk, job)
    if result is CancelResult.TOO_LATE:
        raise Refusal(_("It is too late to cancel: this is finished already."))
    if result is CancelResult.STOPPING:
        return _("Cancelling; it stops at the next step.")
    return _("Cancelled before it was begun.")


async def cancel_all(desk: Desk, user_id: int) -> str:
    """Cancel every open job of a member in this server."""
    jobs = await open_of(desk, user_id)
    if not jobs:
        return _("{member} has no pictures waiting or being drawn.").format(member=mention(user_id))
    done = [await _cancel(desk, job) for job in jobs]
    cancelled = sum(result is not CancelResult.TOO_LATE for result in done)
    return _("Cancelled {cancelled} of {count} open pictures of {member}.").format(
        cancelled=cancelled, count=len(jobs), member=mention(user_id)
    )


async def open_of(desk: Desk, user_id: int) -> list[Job]:
    """A member's open jobs that are the actor's business."""
    return await desk.ledger.open_jobs_of(user_id, None if desk.guild_id == EVERYWHERE else desk.guild_id)


async def _cancel(desk: Desk, job: Job) -> CancelResult:
    result = await desk.dispatcher.cancel(job.id)
    await desk.refresh(job.id)
    if result is not CancelResult.TOO_LATE:
        await desk.note("cancel", job.id, {"state": job.state, "user_id": job.user_id}, {"result": result})
    return result
