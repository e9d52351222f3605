"""One interaction: what a member did, how long it may be answered, and what answered it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.guild import Channel, User
from sandbox.message import Message, MessageFlag
from sandbox.wire import ApiError, Form, Json

ACK_S = 3.0
"""Seconds Discord gives for the first response."""
TOKEN_S = 15 * 60.0
"""Seconds the token lives."""
FOLLOW_UPS = 5
"""Follow-ups an application may make that is in use by a user's own installation alone."""


class InteractionType(IntEnum):
    """What was done."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class CallbackType(IntEnum):
    """How an application may answer first."""

    MESSAGE = 4
    DEFER = 5
    DEFER_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


_ALLOWED = {
    InteractionType.COMMAND: {CallbackType.MESSAGE, CallbackType.DEFER, CallbackType.MODAL},
    InteractionType.COMPONENT: set(CallbackType) - {CallbackType.CHOICES},
    InteractionType.AUTOCOMPLETE: {CallbackType.CHOICES},
    InteractionType.MODAL_SUBMIT: {
        CallbackType.MESSAGE,
        CallbackType.DEFER,
        CallbackType.DEFER_UPDATE,
        CallbackType.UPDATE,
    },
}


@dataclass(eq=False)
class Interaction:
    """What a member did in a channel. Times are seconds since 1970."""

    id: int
    token: str
    type: InteractionType
    data: Json
    user: User
    channel: Channel
    created_at: float
    command_name: str | None = None
    message: Message | None = None
    """The message whose component was used, or behind the modal."""
    response: CallbackType | None = None
    original: Message | None = None
    """What @original means: the first response, or the pressed message after an update."""
    follow_ups: list[Message] = field(default_factory=list)
    placeholder_open: bool = False
    """Deferred and not yet filled: the first follow-up fills it."""
    modal: Json | None = None
    choices: list[Json] | None = None
    edited_original: bool = False
    owners: Json = field(default_factory=dict)
    """Whose installation it came by: kind (0 guild, 1 user) -> id."""
    ack_s: float = ACK_S
    """Seconds until the first response must be there."""
    is_muted: bool = False
    """Whatever the application answers, the member alone sees it."""

    def must_be_answerable(self, now: float, how: CallbackType | None) -> CallbackType:
        """Check a first response and return its kind.

        Raises ApiError 10062 (too late), 40060 (answered already) or 50035 (wrong kind).
        """
        if self.response is not None:
            raise ApiError(40060)
        if now - self.created_at > self.ack_s:
            raise ApiError(10062)
        if how is None or how not in self.allowed():
            raise Form.single("type", "INTERACTION_TYPE_INVALID", "This response is not allowed here.")
        return how

    def allowed(self) -> set[CallbackType]:
        """Kinds of first response this interaction takes."""
        allowed = _ALLOWED[self.type]
        if self.type is InteractionType.MODAL_SUBMIT and self.message is None:
            return allowed - {CallbackType.DEFER_UPDATE, CallbackType.UPDATE}
        return allowed

    def must_be_alive(self, now: float) -> None:
        """Check later calls. Raises ApiError 50027 (token too old) or 10015 (not answered yet)."""
        if now - self.created_at > TOKEN_S:
            raise ApiError(50027)
        if self.response is None:
            raise ApiError(10015)

    def must_allow_follow_up(self) -> None:
        """Count the follow-ups. Raises ApiError 40094 where one more is too many."""
        if "0" not in self.owners and len(self.follow_ups) >= FOLLOW_UPS:
            raise ApiError(40094)

    def expired_unanswered(self, now: float) -> bool:
        """True once the member reads “the application did not respond”."""
        return self.response is None and now - self.created_at > self.ack_s

    @property
    def messages(self) -> list[Message]:
        """Everything the application said to it, in order; deleted ones included."""
        said = [self.original] if self.original and self.original is not self.message else []
        return [*said, *self.follow_ups]

    @property
    def defers_ephemerally(self) -> bool:
        """True if the open placeholder is for the member alone."""
        return bool(self.original and self.original.flags & MessageFlag.EPHEMERAL)
