"""Scripted faults: what goes wrong, for which calls, when. Values only; the server and the gateway act on them.

world.faults.add(Fault("POST", r"/channels/\\d+/messages$", Fail(502), count=2))
world.faults.add(Fault("POST", r"/messages$", Fail(502, after_commit=True)))
world.faults.outage(30)
world.faults.duplicate("INTERACTION_CREATE")
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.clock import Clock


@dataclass(frozen=True)
class Fail:
    """Answer with a status and a Discord code; after_commit: only once the call has had its effect."""

    status: int
    code: int = 0
    message: str = ""
    after_commit: bool = False


@dataclass(frozen=True)
class TooMany:
    """Answer 429; `via` False looks like Cloudflare's ban."""

    retry_after_s: float
    scope: str = "user"
    via: bool = True


@dataclass(frozen=True)
class Delay:
    """Wait real seconds, then go on as usual; after_commit: hold back the answer instead of the call."""

    seconds: float
    after_commit: bool = False


@dataclass(frozen=True)
class Disconnect:
    """Cut the connection without an answer; after_commit: once the call has had its effect."""

    after_commit: bool = False


Action = Fail | TooMany | Delay | Disconnect


@dataclass(eq=False)
class Fault:
    """One rule for HTTP calls: which calls it meets, from the `nth` match on, `count` times (None: for ever)."""

    method: str
    """HTTP method; empty for any."""
    path: str
    """Regular expression searched in the path after /api/v10."""
    action: Action
    nth: int = 1
    count: int | None = 1
    probability: float = 1.0
    seed: int = 0
    until: float | None = None
    """World time, seconds since 1970, when it is over."""
    matched: int = 0
    hits: int = 0
    """How often it struck."""
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - a fault has to be repeatable, not secret

    def strikes(self, method: str, path: str, now: float) -> bool:
        """True if this call is hit; counts it."""
        if self.method not in ("", method) or not re.search(self.path, path):
            return False
        if self.until is not None and now >= self.until:
            return False
        self.matched += 1
        if self.matched < self.nth or (self.count is not None and self.hits >= self.count):
            return False
        if self.probability < 1 and self._dice.random() >= self.probability:
            return False
        self.hits += 1
        return True


@dataclass(eq=False)
class EventFault:
    """What happens to the next `count` gateway events of a name."""

    event: str
    copies: int
    """How often each is sent: 0 loses it, 2 duplicates it."""
    count: int = 1
    hits: int = 0


class Faults:
    """The faults in force, for calls and for the gateway."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rules: list[Fault] = []
        self.events: list[EventFault] = []
        self.on_gateway: list[Callable[[str, int], None]] = []
        """Who carries out gateway faults: called with what to do and a close code."""

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force and return it, so that its hits can be read."""
        self.rules.append(fault)
        return fault

    def outage(self, seconds: float, status: int = 503) -> Fault:
        """Answer every call with `status` for `seconds` of world time."""
        return self.add(Fault("", "", Fail(status), count=None, until=self._clock.now() + seconds))

    def clear(self) -> None:
        """End all faults."""
        self.rules.clear()
        self.events.clear()

    def pick(self, method: str, path: str) -> Fault | None:
        """The first fault that strikes a call, counted."""
        now = self._clock.now()
        return next((fault for fault in self.rules if fault.strikes(method, path, now)), None)

    def duplicate(self, event: str, count: int = 1) -> EventFault:
        """Send the next events of a name twice."""
        return self._event(EventFault(event, 2, count))

    def lose(self, event: str, count: int = 1) -> EventFault:
        """Never send the next events of a name."""
        return self._event(EventFault(event, 0, count))

    def _event(self, fault: EventFault) -> EventFault:
        self.events.append(fault)
        return fault

    def copies(self, event: str) -> int:
        """How often an event is to be sent: 1 unless a fault strikes."""
        for fault in self.events:
            if fault.event == event and fault.hits < fault.count:
                fault.hits += 1
                return fault.copies
        return 1

    def drop_gateway(self, code: int = 4000) -> None:
        """Close every gateway connection; sessions can be resumed unless the code is 1000 or 1001."""
        self._tell("drop", code)

    def cut_gateway(self) -> None:
        """Cut every gateway connection without a close frame."""
        self._tell("cut", 0)

    def reconnect_gateway(self) -> None:
        """Ask every connection to reconnect (op 7)."""
        self._tell("reconnect", 0)

    def invalidate_sessions(self, *, resumable: bool = False) -> None:
        """Tell every connection that its session is invalid (op 9)."""
        self._tell("invalid", int(resumable))

    def _tell(self, what: str, code: int) -> None:
        for listener in self.on_gateway:
            listener(what, code)
