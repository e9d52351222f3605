"""Workers: how they are, and what the operator asks of one: to drain, to go on, to load its model afresh."""

from __future__ import annotations

from bot.administration.desk import Desk, Listing
from bot.language import N_, _
from bot.presenter import plain
from bot.refusal import Refusal
from worker.contract import Heartbeat

_GB = 1e9


async def listing(desk: Desk) -> Listing:
    """Every worker that is alive."""
    workers = sorted(await desk.fleet.workers(), key=lambda beat: beat.name)
    return Listing(_("Workers"), tuple(map(line, workers)), _(_NONE))


_NONE = N_("No worker is running; start one with python -m worker --role gpu.")


def line(beat: Heartbeat) -> str:
    """A worker on one line: state, model, memory, temperature, job."""
    if beat.complaint is not None:
        return _("{worker} did not start: {why}").format(worker=f"`{beat.name[:80]}`", why=plain(beat.complaint, 500))
    loaded = f", {beat.loading_percent} %" if beat.state == "loading" and beat.loading_percent is not None else ""
    parts = [f"`{beat.name[:80]}` {beat.role}", beat.state + loaded]
    if beat.model is not None:
        parts.append(plain(beat.model.name, 60))
    if beat.device:
        parts.append(plain(beat.device, 60))
    if beat.memory_used_bytes is not None and beat.memory_total_bytes:
        parts.append(
            _("{used:.1f} of {total:.1f} GB").format(
                used=beat.memory_used_bytes / _GB, total=beat.memory_total_bytes / _GB
            )
        )
    if beat.temperature_c is not None:
        parts.append(f"{beat.temperature_c} °C")
    if beat.job_id:
        parts.append(_("job `{job_id}`").format(job_id=beat.job_id))
    return " · ".join(parts)


async def drain(desk: Desk, name: str) -> str:
    """Let a worker finish its job and take no other."""
    return await _ask(desk, "worker drain", name, drains=True)


async def resume(desk: Desk, name: str) -> str:
    """Let a drained worker take jobs again."""
    return await _ask(desk, "worker resume", name, drains=False)


async def restart(desk: Desk, name: str) -> str:
    """Let a worker load its model afresh in a new process, after its job; a sick one is given another chance."""
    beat = await _gpu(desk, name)
    before = await desk.fleet.control(beat.name)
    after = before.model_copy(update={"restarts": before.restarts + 1})
    await desk.fleet.set_control(beat.name, after)
    await desk.note("worker restart", beat.name, before.model_dump(), after.model_dump())
    return _("`{name}` loads its model afresh once its job is done.").format(name=beat.name)


async def _ask(desk: Desk, action: str, name: str, *, drains: bool) -> str:
    beat = await _gpu(desk, name)
    before = await desk.fleet.control(beat.name)
    if before.drains == drains:
        said = _("`{name}` is draining already.") if drains else _("`{name}` is taking jobs already.")
        return said.format(name=beat.name)
    after = before.model_copy(update={"drains": drains})
    await desk.fleet.set_control(beat.name, after)
    await desk.note(action, beat.name, before.model_dump(), after.model_dump())
    said = _("`{name}` finishes its job and takes no other.") if drains else _("`{name}` takes jobs again.")
    return said.format(name=beat.name)


async def _gpu(desk: Desk, name: str) -> Heartbeat:
    workers = {beat.name: beat for beat in await desk.fleet.workers() if beat.role == "gpu" and beat.model is not None}
    if name not in workers:
        known = ", ".join(f"`{other}`" for other in sorted(workers)) or _("none")
        raise Refusal(_("There is no such gpu worker; running are: {known}.").format(known=known))
    return workers[name]
