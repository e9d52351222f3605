"""How often a bot may call: one bucket per route and channel, guild or webhook, and a global one.

Lenient unless told otherwise, so that tests measure the bot and not this; `be_realistic` sets what others measured.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field

from sandbox.clock import Clock

GLOBAL_PER_S = 50
_MAJOR = re.compile(r"^/(?:channels|guilds)/(\d+)|^/webhooks/(\d+/[^/]+)")
_ID = re.compile(r"/\d{5,}")
_TOKEN = re.compile(r"^(/(?:webhooks|interactions)/:id)/[^/]+")


@dataclass(frozen=True)
class Limit:
    """`limit` calls per `per_s` seconds."""

    limit: int
    per_s: float


@dataclass(frozen=True)
class Rule:
    """A limit for the routes whose method and path match."""

    method: str
    path: re.Pattern[str]
    limit: Limit


@dataclass
class _Window:
    resets_at: float
    used: int = 0


@dataclass(frozen=True)
class Verdict:
    """What a call is told: headers, and how long to wait if it came too early."""

    headers: dict[str, str]
    retry_after_s: float | None = None
    scope: str = "user"


@dataclass
class RateLimits:
    """Counts calls on the world's clock."""

    clock: Clock
    default: Limit = Limit(100, 1.0)
    global_per_s: int | None = GLOBAL_PER_S
    rules: list[Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def set(self, method: str, path: str, limit: int, per_s: float) -> None:
        """Limit the routes whose method is `method` and whose path (after /api/v10) matches; the newest rule wins."""
        self.rules.insert(0, Rule(method, re.compile(path), Limit(limit, per_s)))

    def be_realistic(self) -> None:
        """Five messages and five edits per five seconds and channel, as others measured on Discord."""
        self.set("POST", r"^/channels/\d+/messages$", 5, 5.0)
        self.set("PATCH", r"^/channels/\d+/messages/\d+$", 5, 5.0)
        self.set("DELETE", r"^/channels/\d+/messages/\d+$", 5, 1.0)
        self.set("", r"^/webhooks/", 5, 2.0)

    def count(self, method: str, path: str, *, is_interaction: bool) -> Verdict:
        """Count one call; the global limit spares interaction endpoints."""
        now = self.clock.now()
        if self.global_per_s is not None and not is_interaction:
            window = self._window("global", now, 1.0)
            if window.used >= self.global_per_s:
                return _refusal(window, now, {"X-RateLimit-Global": "true"}, "global")
            window.used += 1
        limit = self._limit(method, path)
        route = f"{method} {_template(path)}"
        window = self._window(f"{route} {_major(path)}", now, limit.per_s)
        headers = {"X-RateLimit-Limit": str(limit.limit), "X-RateLimit-Bucket": f"{zlib.crc32(route.encode()):08x}"}
        if window.used >= limit.limit:
            return _refusal(window, now, {**headers, "X-RateLimit-Remaining": "0"}, "user")
        window.used += 1
        headers["X-RateLimit-Remaining"] = str(limit.limit - window.used)
        return Verdict({**headers, **_reset(window, now)})

    def _limit(self, method: str, path: str) -> Limit:
        for rule in self.rules:
            if rule.method in ("", method) and rule.path.search(path):
                return rule.limit
        return self.default

    def _window(self, key: str, now: float, per_s: float) -> _Window:
        window = self._windows.get(key)
        if window is None or now >= window.resets_at:
            window = self._windows[key] = _Window(now + per_s)
        return window


def _major(path: str) -> str:
    match = _MAJOR.match(path)
    return (match[1] or match[2]) if match else ""


def _template(path: str) -> str:
    """The path without the ids and tokens in it."""
    return _TOKEN.sub(r"\1/:token", _ID.sub("/:id", path))


def _reset(window: _Window, now: float) -> dict[str, str]:
    return {"X-RateLimit-Reset": f"{window.resets_at:.3f}", "X-RateLimit-Reset-After": f"{window.resets_at - now:.3f}"}


def _refusal(window: _Window, now: float, headers: dict[str, str], scope: str) -> Verdict:
    wait = round(window.resets_at - now, 3)
    told = {**headers, **_reset(window, now), "Retry-After": f"{max(1, round(wait))}", "X-RateLimit-Scope": scope}
    return Verdict(told, wait, scope)
