"""The queue: who waits, pausing, draining, moving and cancelling."""

from __future__ import annotations

from bot.administration.desk import Desk, Listing, mention
from bot.dispatcher import CancelResult
from bot.language import N_, _, ngettext
from bot.ledger.audit import EVERYWHERE
from bot.ledger.job import Job, State
from bot.ledger.rows import now
from bot.presenter import plain, shorten
from bot.refusal import Refusal

PRIORITIES = {"high": 1, "normal": 0, "low": -1}
DOING = {
    State.REWRITING: N_("being worded"),
    State.WAITING: N_("waiting"),
    State.DISPATCHED: N_("next in line"),
    State.RUNNING: N_("being drawn"),
    State.DELIVERING: N_("being posted"),
}


async def waiting(desk: Desk) -> Listing:
    """Every open job of this server, oldest first."""
    jobs = await open_jobs(desk)
    title = ngettext("{count} open job", "{count} open jobs", len(jobs)).format(count=len(jobs))
    lines = tuple(_line(job, is_of_many=desk.guild_id == EVERYWHERE) for job in jobs)
    return Listing(title, lines, _("Nobody is waiting."))


async def open_jobs(desk: Desk) -> list[Job]:
    """Every open job that is the actor's business, oldest first."""
    return [job for job in await desk.ledger.open_jobs() if desk.concerns(job)]


def told(job: Job) -> str:
    """A job in a list to choose from, which shows no members."""
    minutes = int((now() - job.created_at).total_seconds() // 60)
    asked = ngettext("asked {count} minute ago", "asked {count} minutes ago", minutes).format(count=minutes)
    return shorten(" · ".join((job.id, job.request.model, _doing(job), asked)), 100)


def _doing(job: Job) -> str:
    return _("being cancelled") if job.cancel_requested else _(DOING[job.state])


def _line(job: Job, *, is_of_many: bool) -> str:
    """`is_of_many`: beside the jobs of other servers."""
    asked = int(job.created_at.timestamp())
    priority = next(name for name, value in PRIORITIES.items() if value == job.priority)
    shown = "" if priority == "normal" else f" · {priority}"
    if is_of_many and job.guild_id:
        shown += " " + _("(server {id})").format(id=job.guild_id)
    return f"`{job.id}` {mention(job.user_id)} · {plain(job.request.model, 40)} · {_doing(job)} · <t:{asked}:R>{shown}"


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
    open_jobs = ngettext("{count} open job", "{count} open jobs", left).format(count=left)
    return _("Draining: nothing new is accepted. Still to be finished: {open_jobs}. /admin resume ends it.").format(
        open_jobs=open_jobs
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
