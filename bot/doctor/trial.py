"""One test picture through the whole stack: accepted, dispatched, drawn, posted, and how long that took."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import discord

from bot.admission import Entry, channel_itself
from bot.applicants import applicant_in
from bot.ledger.job import Job, Outcome, State, Status
from bot.options import Options
from bot.policy import Threads
from bot.presenter import elapsed
from bot.refusal import Refusal
from config.finding import Finding, fail, ok
from flux2.errors import InvalidRequest
from worker.contract import Destination

if TYPE_CHECKING:
    from bot.client import Flux2Bot

_PROMPT = "a red circle on a white background"
_PATIENCE_S = 120.0
_LOOK_S = 0.25
_ABOUT = "Test picture"


class _Quiet:
    """A front without a status message: the doctor tells of the job himself."""

    def agree(self, threads: Threads) -> None:
        """The picture goes to the channel itself."""

    def placeholder(self) -> Status | None:
        """There is none."""
        return None

    async def open(self, job: Job, text: str) -> tuple[Destination, Status | None]:
        """Nothing is shown."""
        return self.plain(job), None

    def plain(self, job: Job) -> Destination:
        """The channel."""
        return channel_itself(job)


async def try_a_job(interaction: discord.Interaction[Flux2Bot]) -> Finding:
    """Draw a small picture for whoever asks, as one of his own, and wait for it."""
    services, began = interaction.client.services, time.monotonic()
    try:
        model = await services.offer.choose(None, services.gate.default_model(applicant_in(interaction)))
        request, _ = Options(prompt=_PROMPT).settle(await services.gate.offered(applicant_in(interaction), model))
        entry = Entry(
            idempotency_key=f"i{interaction.id}",
            source="doctor",
            applicant=applicant_in(interaction),
            request=request,
            file_size_limit=interaction.filesize_limit,
        )
        accepted = await services.admission.admit(entry, _Quiet())
    except (Refusal, InvalidRequest) as refused:
        return fail(_ABOUT, "it was not accepted", str(refused))
    assert accepted is not None
    return await _follow(interaction, accepted.id, began)


async def _follow(interaction: discord.Interaction[Flux2Bot], job_id: str, began: float) -> Finding:
    ledger, job = interaction.client.services.ledger, None
    while time.monotonic() - began < _PATIENCE_S:
        job = await ledger.get(job_id)
        if job is None or job.state is State.CLOSED:
            break
        await asyncio.sleep(_LOOK_S)
    if job is None:
        return fail(_ABOUT, "its row is gone", "Look at the bot's log.")
    if job.state is not State.CLOSED:
        fix = "Look at /admin workers list and the log of the process that has it."
        return fail(_ABOUT, f"still {job.state} after {_PATIENCE_S:.0f} s", fix)
    if job.outcome is Outcome.DELIVERED:
        return ok(_ABOUT, f"drawn and posted in {elapsed(time.monotonic() - began)}")
    why = job.failure or job.undeliverable_code or ""
    return fail(_ABOUT, f"{job.outcome} {why}".strip(), f"Look for job {job_id} in the workers' logs.")
