"""The one way a job comes into being: by command, reply or button alike.

Order: the row is committed, the member reads of it, the destination is stored, and only then may it be dispatched.
Declines to know where the wish came from and how its status message is made.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bot import lineage, presenter, titles
from bot.dispatcher import Dispatcher
from bot.gate import Gate, demand_of
from bot.language import _
from bot.ledger.allowance import QuotaReached
from bot.ledger.job import AlreadyAccepted, Caps, GuildCapReached, Job, MemberCapReached, NewJob, Status
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.narration import Narration
from bot.policy import Applicant, Terms, Threads
from bot.refusal import Refusal
from bot.skeletons import skeleton
from bot.verdicts import not_allowed, quota_refusal
from flux2.errors import ScreeningRefused
from flux2.request import GenerationRequest
from flux2.screening.policy import Policy
from flux2.screening.port import NOTHING, Screening
from worker.contract import Destination, Request

_log = logging.getLogger(__name__)

_SPARE = timedelta(minutes=3)
"""What of an interaction's 15 minutes is not counted on: estimates are no promises."""
_SHOW_S = 25
"""Seconds for status message and thread; the reconciler takes a job without a destination for abandoned after 30."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A settled wish, and who has it where."""

    idempotency_key: str
    """`i<interaction id>` or `m<message id>`: the same event twice is one job."""
    source: str
    """imagine, reply, again or edit."""
    applicant: Applicant
    request: Request
    asked: str = ""
    """The member's own words, where the prompt is worded differently for the model."""
    notes: tuple[str, ...] = ()
    file_size_limit: int
    parent_id: str | None = None


class Front(Protocol):
    """Where a job shows itself."""

    def placeholder(self) -> Status | None:
        """The status message, where it exists before the job does: a process that dies now leaves it to the next."""

    def agree(self, threads: Threads) -> None:
        """Take the server's wish about threads. Raises Refusal where it cannot be met; nothing is accepted yet."""

    async def open(self, job: Job, text: str) -> tuple[Destination, Status | None]:
        """Show `text` as the job's status message and return where its result goes. May raise; the job goes on."""

    def plain(self, job: Job) -> Destination:
        """Where the result goes when nothing else could be opened."""


class Admission:
    """Accepts settled wishes."""

    def __init__(
        self, ledger: Ledger, dispatcher: Dispatcher, narration: Narration, gate: Gate, screening: Screening = NOTHING
    ) -> None:
        """`screening` has the operator's rules; pictures are looked at where they are drawn."""
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._narration = narration
        self._gate = gate
        self._screening = screening

    async def admit(self, entry: Entry, front: Front) -> Job | None:
        """Accept the job, show it and let it be dispatched. None: this very event was accepted before.

        Raises Refusal where the member may not have it, or where a cap or a quota is reached.
        """
        terms, caps = await self._gate.admit(entry.applicant, demand_of(entry.request))
        await self._require_allowed(entry, terms.screening)
        front.agree(terms.threads)
        try:
            job = await self._accept(entry, front.placeholder(), caps, terms)
        except AlreadyAccepted as twin:
            _log.info("Event %s came twice; job %s stands.", entry.idempotency_key, twin.job.id)
            return None
        await self._require_time(job)
        await self._show(job, front)
        return job

    async def _require_time(self, job: Job) -> None:
        """Refuse a job that only an answer can bring to its member, where that would come too late."""
        answer = job.status.answer if job.status else None
        if answer is None:
            return
        paused, place = await self._ledger.paused(), await self._ledger.place(job.id)
        wait_s = place.eta_s if place is not None and place.eta_s is not None else 0.0
        if paused is None and now() + timedelta(seconds=wait_s) < answer.expires_at - _SPARE:
            return
        # Accepted for the moment, as nothing else can tell its turn; without a destination nobody has begun it.
        await self._dispatcher.cancel(job.id)
        await self._ledger.status_finished(job.id)
        raise Refusal(presenter.too_long(None if paused is not None else wait_s))

    async def _require_allowed(self, entry: Entry, policy: Policy) -> None:
        """Refuse what the rules refuse before anybody waits for it, and before it costs anything."""

        def check() -> None:
            screening = self._screening.under(policy.without_question())
            for prompt in dict.fromkeys(_prompts(entry.request)):
                screening.check_prompt(prompt)

        try:
            # Off the loop: the longest prompts in all their readings take some hundredths of a second.
            await asyncio.to_thread(check)
        except ScreeningRefused as refused:
            # Never the words themselves: what was asked for is nobody's to read.
            _log.info("Event %s was refused by the rules.", entry.idempotency_key)
            raise not_allowed(str(refused)) from refused

    async def _accept(self, entry: Entry, placeholder: Status | None, caps: Caps, terms: Terms) -> Job:
        who = entry.applicant
        job_id = secrets.token_hex(8)
        row = NewJob(
            id=job_id,
            idempotency_key=entry.idempotency_key,
            source=entry.source,
            parent_id=entry.parent_id,
            user_id=who.user_id,
            guild_id=who.guild_id,
            channel_id=who.channel_id,
            priority=terms.role.priority or 0,
            request=entry.request,
            asked=entry.asked,
            notes=entry.notes,
            skeleton=skeleton(
                job_id,
                entry.request,
                who.user_id,
                entry.file_size_limit,
                has_spoiler=terms.has_spoiler,
                came_from=await self._came_from(entry.parent_id),
                asked=entry.asked,
                late=presenter.late() if placeholder and placeholder.answer else "",
            ),
            status=placeholder,
            policy=terms.screening,
        )
        try:
            return await self._ledger.accept(row, caps)
        except MemberCapReached as full:
            raise Refusal(
                _(
                    "You have {count} pictures waiting or being drawn, which is the most at a time; "
                    "wait for one or cancel one with /jobs."
                ).format(count=full.open)
            ) from full
        except QuotaReached as reached:
            raise quota_refusal(reached) from reached
        except GuildCapReached as full:
            raise Refusal(
                _(
                    "This server has {count} pictures waiting, which is the most at a time; try again in a few minutes."
                ).format(count=full.open)
            ) from full

    async def _came_from(self, parent_id: str | None) -> str:
        if parent_id is None:
            return ""
        line = await self._ledger.lineage(parent_id, lineage.NEAREST - 1)
        return lineage.breadcrumb(line, own=line[0].number + 1) if line else ""

    async def _show(self, job: Job, front: Front) -> None:
        text = titles.status(job, await self._narration.where(job))
        status = job.status
        try:
            async with asyncio.timeout(_SHOW_S):
                destination, status = await front.open(job, text)
        except Exception:  # noqa: BLE001 - the job is accepted: whatever Discord says to a status message, it must go on
            _log.exception("Job %s has no status message.", job.id)
            destination = front.plain(job)
        await self._ledger.set_destination(job.id, destination, status)
        shown = await self._ledger.get(job.id)
        if shown is not None:
            await self._narration.follow(shown, text)
        self._dispatcher.wake()


def _prompts(request: Request) -> tuple[str, ...]:
    return request.prompts if isinstance(request, GenerationRequest) else (request.prompt,)


def channel_itself(job: Job, *, reply_to: int | None = None) -> Destination:
    """The channel the job was asked for in, no thread; an answer where that is the only way."""
    return Destination(
        channel_id=job.channel_id,
        guild_id=job.guild_id,
        reply_to=reply_to,
        dm_user_id=job.user_id,
        by_answer=job.status is not None and job.status.answer is not None,
    )
