"""The faults panel: what may go wrong, in words a curious engineer picks from, and the rules in force."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.faults import Action, Delay, Disconnect, Fail, Fault, TooMany
from sandbox.page.feed import call_json
from sandbox.rest import Rest
from sandbox.wire import Json
from sandbox.world import World


@dataclass(frozen=True)
class Calls:
    """Some of the bot's calls, in words and as a fault meets them."""

    label: str
    method: str = ""
    path: str = ""


CALLS = {
    "any": Calls("Any call"),
    "post": Calls("Posting messages", "POST", r"^/channels/\d+/messages$"),
    "edit": Calls("Editing messages", "PATCH", r"/messages/"),
    "callback": Calls("Answering commands and buttons", "POST", r"/callback$"),
    "thread": Calls("Opening threads", "POST", r"/threads$"),
    "download": Calls("Downloading attachments", "GET", r"^/(?:cdn|media)/"),
}
_TAIL = 60
_GATEWAY = {
    "drop": "Close the gateway",
    "cut": "Cut the gateway",
    "reconnect": "Ask for a reconnect",
    "invalid": "Invalidate the session",
    "duplicate": "Send the next event twice",
    "lose": "Lose the next event",
}


class Trouble:
    """Makes faults of one world."""

    def __init__(self, world: World, rest: Rest) -> None:
        self._world = world
        self._rest = rest

    def show(self) -> Json:
        """What can be chosen, what is in force, and the newest calls."""
        now = self._world.clock.now()
        rules = [rule for rule in self._world.faults.rules if not _is_over(rule, now)]
        return {
            "calls": [{"key": key, "label": calls.label} for key, calls in CALLS.items()],
            "gateway": [{"key": key, "label": label} for key, label in _GATEWAY.items()],
            "rules": [{"text": _words(rule, now), "hits": rule.hits} for rule in rules],
            "log": [call_json(call) for call in list(self._rest.calls)[-_TAIL:]],
        }

    def add(self, given: Json) -> None:
        """Put a fault in force. Raises KeyError or ValueError for what the panel does not offer."""
        calls = CALLS[given["calls"]]
        seconds = min(max(float(given.get("seconds") or 1), 0.1), 600.0)
        if given["kind"] == "outage":
            until = self._world.clock.now() + seconds
            self._world.faults.add(Fault(calls.method, calls.path, Fail(503), count=None, until=until))
            return
        count = min(max(int(given.get("count") or 1), 1), 1000)
        self._world.faults.add(Fault(calls.method, calls.path, _action(given["kind"], seconds), count=count))

    def gateway(self, what: str) -> None:
        """Let something happen to the gateway. Raises KeyError."""
        faults = self._world.faults
        match what:
            case "drop":
                faults.drop_gateway()
            case "cut":
                faults.cut_gateway()
            case "reconnect":
                faults.reconnect_gateway()
            case "invalid":
                faults.invalidate_sessions()
            case "duplicate":
                faults.duplicate("INTERACTION_CREATE")
            case "lose":
                faults.lose("INTERACTION_CREATE")
            case _:
                raise KeyError(what)

    def clear(self) -> None:
        """End all faults."""
        self._world.faults.clear()


def _action(kind: str, seconds: float) -> Action:
    match kind:
        case "fail":
            return Fail(502)
        case "fail_after":
            return Fail(502, after_commit=True)
        case "too_many":
            return TooMany(seconds)
        case "slow":
            return Delay(seconds)
        case "disconnect":
            return Disconnect()
        case "disconnect_after":
            return Disconnect(after_commit=True)
    raise ValueError(kind)


def _is_over(rule: Fault, now: float) -> bool:
    spent = rule.count is not None and rule.hits >= rule.count
    return spent or (rule.until is not None and now >= rule.until)


def _words(rule: Fault, now: float) -> str:
    known = (calls.label for calls in CALLS.values() if (calls.method, calls.path) == (rule.method, rule.path))
    label = next(known, f"{rule.method or 'any'} {rule.path}")
    left = f"{rule.until - now:.0f} s more" if rule.until is not None else _left(rule)
    return f"{label}: {_effect(rule.action)} · {left}"


def _left(rule: Fault) -> str:
    return "until cleared" if rule.count is None else f"{rule.count - rule.hits} more"


def _effect(action: Action) -> str:
    match action:
        case Fail(status, after_commit=True):
            return f"done, but answered {status}"
        case Fail(status):
            return f"answered {status}"
        case TooMany(retry_after_s):
            return f"rate limited for {retry_after_s:g} s"
        case Delay(seconds):
            return f"{seconds:g} s late"
        case Disconnect(after_commit=True):
            return "done, but cut off before the answer"
        case Disconnect():
            return "cut off"
