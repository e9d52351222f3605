"""What a picture came from, on one line: “v3 ← v2 ← v1”, each with a link to its message. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ledger.job import Generation
from bot.presenter import result_url

NEAREST = 3
"""Generations named on the line besides the first: each link is about a hundred characters."""


def breadcrumb(line: Sequence[Generation], *, own: int | None = None) -> str:
    """The generations of `line`, the latest first, after `own`, which stands here and needs no link.

    Empty where nothing came before.
    """
    if len(line) + (own is not None) < 2:
        return ""
    names = [] if own is None else [f"v{own}"]
    for one, newer in zip(line, [None, *line], strict=False):
        if newer is not None and newer.number - one.number > 1:
            names.append("…")
        names.append(named(one))
    return " ← ".join(names)


def named(one: Generation) -> str:
    """“v3”, with a link to its message where there is one."""
    link = result_url(one.job)
    return f"[v{one.number}](<{link}>)" if link else f"v{one.number}"
