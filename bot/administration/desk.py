"""Where an admin sits: who acts, for which server, and what there is to act on.

Declines to know how he is spoken to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.dispatcher import Dispatcher
from bot.fleet import Fleet
from bot.language import _
from bot.ledger.audit import EVERYWHERE, Actor
from bot.ledger.governance import Governance
from bot.ledger.job import Job
from bot.ledger.ledger import Ledger
from bot.refusal import Refusal


async def _nothing(*_: Any) -> None:
    """Outside the bot's process nobody narrates; the bot looks at the ledger by itself."""


@dataclass(frozen=True)
class Desk:
    """An admin of one server, or somebody who may act on all of them."""

    actor: Actor
    ledger: Ledger
    fleet: Fleet
    dispatcher: Dispatcher
    refresh: Callable[[str], Awaitable[None]] = field(default=_nothing)
    """Says a job's new state on its status message."""
    queue_moved: Callable[[], Awaitable[None]] = field(default=_nothing)

    @property
    def governance(self) -> Governance:
        """The ledger's room for governing."""
        return self.ledger.governance

    @property
    def guild_id(self) -> int:
        """The server acted on; EVERYWHERE at the terminal, unless one is named."""
        return self.actor.guild_id

    def concerns(self, job: Job) -> bool:
        """Whether a job is the actor's business."""
        return self.guild_id in (EVERYWHERE, job.guild_id)

    async def job(self, job_id: str) -> Job:
        """Return a job of this server. Raises Refusal."""
        job = await self.ledger.get(job_id.strip().lower())
        if job is None or not self.concerns(job):
            raise Refusal(_("This server has no such job; the id is the 16 letters and digits in the file name."))
        return job

    async def note(self, action: str, target: object = "", before: Any = None, after: Any = None) -> None:
        """Put a deed into the audit log."""
        await self.governance.record(self.actor, action, target, before, after)


@dataclass(frozen=True)
class Listing:
    """A list that may be long; whoever shows it pages it."""

    title: str
    """Empty where the lines speak for themselves."""
    lines: tuple[str, ...]
    empty: str = field(default_factory=lambda: _("There is nothing."))


@dataclass(frozen=True)
class Suggestion:
    """What was done, and what may be wanted next: whoever can ask does so."""

    said: str
    label: str
    """Names the next deed on its button."""
    work: Callable[[Desk], Awaitable[str]]


def mention(user_id: int) -> str:
    """A member as Discord shows him; the operator's terminal has no member."""
    return f"<@{user_id}>" if user_id else _("the terminal")
