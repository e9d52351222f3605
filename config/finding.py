"""One line of a doctor's report: the bot's, or a worker's about its own host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and, where it is not well, what to do."""

    level: Level
    about: str
    says: str
    fix: str = ""

    @property
    def line(self) -> str:
        """`fail · Redis: … → what to do`."""
        return f"{self.level} · {self.about}: {self.says}" + (f" → {self.fix}" if self.fix else "")


def ok(about: str, says: str) -> Finding:
    """All is well."""
    return Finding("ok", about, says)


def warn(about: str, says: str, fix: str) -> Finding:
    """It works, but not as it should, or not for long."""
    return Finding("warn", about, says, fix)


def fail(about: str, says: str, fix: str = "") -> Finding:
    """It does not work; a sentence of `bot/complaints.py` holds its fix already."""
    return Finding("fail", about, says, fix)


def summary(findings: Sequence[Finding]) -> str:
    """How many of each."""
    counts = {level: sum(one.level == level for one in findings) for level in ("ok", "warn", "fail")}
    return f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} broken"


def without_secrets(findings: Sequence[Finding], secrets: Iterable[str]) -> list[Finding]:
    """The same with every secret masked: a driver's error may quote the URL it was given."""
    known = [secret for secret in secrets if secret]

    def masked(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "…")
        return text

    return [Finding(one.level, one.about, masked(one.says), masked(one.fix)) for one in findings]
