"""A job as the ledger knows it, and what may refuse one. Plain values: no SQL, no Redis, no Discord."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.ledger.allowance import Allowance
from flux2.screening.policy import UNRULED, Policy
from worker.contract import Answer, Destination, FailureCode, Picture, Request, Skeleton


class State(StrEnum):
    """Where a job is. It moves down this list; only a run that ended without a result moves it back to waiting."""

    REWRITING = "rewriting"
    """Its words are with a hosted language model, or on their way there; no GPU is wanted yet."""
    WAITING = "waiting"
    DISPATCHED = "dispatched"
    """On its way to a worker, or waiting in front of one."""
    RUNNING = "running"
    DELIVERING = "delivering"
    """A result is accepted; its message is not yet known to be posted."""
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a closed job ended. Every accepted job gets exactly one."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """The member was told that and why there is no picture; by the status message alone where no notice was taken."""
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"
    """No channel and no DM took the picture; it stays in the blobs for /jobs."""


OPEN = (State.REWRITING, State.WAITING, State.DISPATCHED, State.RUNNING, State.DELIVERING)
IN_FLIGHT = (State.DISPATCHED, State.RUNNING)
"""On a queue or on a GPU."""


class Reach(StrEnum):
    """How the bot gets to the member who asked."""

    CHANNEL = "channel"
    """By messages in the channel."""
    ANSWER = "answer"
    """By answers to the interaction, while its token lives: the bot is no member there."""
    PRIVATE = "private"
    """The same, seen by nobody else: the member wants it so, or the server does."""


@dataclass(frozen=True)
class Status:
    """The status message of a job, and the interaction that may still edit it."""

    channel_id: int
    message_id: int
    interaction_token: str | None = None
    token_expires_at: datetime | None = None
    application_id: int | None = None
    reach: Reach = Reach.CHANNEL

    @property
    def answer(self) -> Answer | None:
        """What the result follows up; None where it is a message of its own."""
        if self.reach is Reach.CHANNEL or self.application_id is None:
            return None
        if self.interaction_token is None or self.token_expires_at is None:
            return None
        return Answer(
            application_id=self.application_id,
            token=self.interaction_token,
            expires_at=self.token_expires_at,
            is_private=self.reach is Reach.PRIVATE,
        )


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What is known of a job when it is accepted."""

    id: str
    idempotency_key: str
    """`i<interaction id>` or `m<message id>`: the same event twice is one job."""
    source: str
    """imagine, reply, again or edit."""
    parent_id: str | None = None
    user_id: int
    guild_id: int | None
    channel_id: int
    request: Request
    asked: str = ""
    """The member's own words, where the prompt is worded differently for the model: by its numbers of the pictures."""
    notes: tuple[str, ...] = ()
    skeleton: Skeleton
    status: Status | None = None
    """The message that will tell of the job, where it is known before the job is: a deferred command's placeholder."""
    policy: Policy = UNRULED
    """What its server lets be drawn."""
    priority: int = 0
    """Weight class: above 0 is picked four times as often as below, 0 twice as often."""

    @property
    def reach(self) -> Reach:
        """How its result gets to the member."""
        return Reach.CHANNEL if self.status is None else self.status.reach

    @property
    def is_private(self) -> bool:
        """Whether nobody but its member is to see it."""
        return self.reach is Reach.PRIVATE


@dataclass(frozen=True, kw_only=True)
class Job(NewJob):
    """One row of the ledger. All times are aware and in UTC."""

    state: State
    outcome: Outcome | None = None
    destination: Destination | None = None
    """None until the status message and its thread exist; such a job is not dispatched."""
    attempt: int = 0
    """Dispatches so far; names the entry on the queue. Not the fence's attempt."""
    created_at: datetime
    started_at: datetime | None = None
    """When its last run began on a worker."""
    finished_at: datetime | None = None
    """When its result was accepted, or when it was closed without one."""
    seconds: float | None = None
    """How long the accepted run took."""
    failure: FailureCode | None = None
    pictures: tuple[Picture, ...] = ()
    words: str | None = None
    """What was written rather than drawn."""
    result_channel_id: int | None = None
    result_message_id: int | None = None
    cancel_requested: bool = False
    undeliverable_code: int | None = None
    """What Discord answered where nothing could be posted."""


@dataclass(frozen=True)
class Generation:
    """A picture among those it came from and led to; 1 came from none."""

    number: int
    job: Job


@dataclass(frozen=True)
class Caps:
    """How many open jobs one member and one server may have, and what else bounds this member."""

    per_member: int
    per_guild: int
    running: int | None = None
    """Jobs of the member in flight at a time; None: as the settings say."""
    allowance: Allowance = field(default_factory=Allowance)


@dataclass(frozen=True)
class Place:
    """Where a waiting job stands among those of its model."""

    position: int
    """1 is next; jobs already in front of a worker count."""
    own_ahead: int
    others_ahead: int
    eta_s: float | None
    """Seconds until it is drawn; None while no job of this model was ever measured or nobody serves it."""


class AlreadyAccepted(Exception):
    """The same interaction or message was accepted before."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.idempotency_key} was accepted before, as job {job.id}")
        self.job = job


class CapReached(Exception):
    """Nothing was accepted: `open` jobs are open and `cap` is the most."""

    def __init__(self, open: int, cap: int) -> None:
        super().__init__(f"{open} jobs are open, and at most {cap} may be")
        self.open = open
        self.cap = cap


class MemberCapReached(CapReached):
    """The member has as many open jobs as one member may have."""


class GuildCapReached(CapReached):
    """The server has as many open jobs as one server may have."""


class LedgerUnusable(Exception):
    """The ledger cannot be opened; the text is one sentence that says what to do."""


class LedgerTaken(LedgerUnusable):
    """Another bot works with this ledger."""


class LedgerAway(LedgerUnusable):
    """The server that keeps the ledger does not answer; a later start may find it."""
