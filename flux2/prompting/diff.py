"""What differs between two wordings of a prompt, word by word. Pure."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

_PIECE = re.compile(r"\s*(?:[^\W_]+(?:['’#.-][^\W_]+)*|[^\w\s]+|_+)")
"""A word or a run of punctuation, with the space before it."""
_MOST_PAIRS = 30_000
"""Pairs of equal pieces that are looked through: words that repeat without end would take minutes."""
_MARKS = {"kept": "", "dropped": "~~", "added": "**"}
"""Markdown."""


class Change(NamedTuple):
    """A run of words that was kept, dropped or added; its spaces included."""

    what: Literal["kept", "dropped", "added"]
    text: str


def words(before: str, after: str) -> list[Change]:
    """Return the changes in order. The kept and added ones are `after`, the kept and dropped ones `before`, but for
    the spaces between words.
    """
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    changes: list[Change] = []
    # Compared without the spaces before them.
    for tag, i1, i2, j1, j2 in _steps([w.strip() for w in old], [w.strip() for w in new]):
        if tag == "equal":
            changes += [Change("kept", "".join(new[j1:j2]))] if j1 < j2 else []
            continue
        if i1 < i2:
            changes.append(Change("dropped", "".join(old[i1:i2])))
        if j1 < j2:
            changes.append(Change("added", "".join(new[j1:j2])))
    return changes


def _steps(old: list[str], new: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """difflib's steps from one to the other; where that took too long, all between their common ends is replaced."""
    counts = Counter(old)
    if sum(counts[piece] for piece in new) <= _MOST_PAIRS:
        return difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    until, upto = len(old) - tail, len(new) - tail
    steps = [("equal", 0, head, 0, head), ("replace", head, until, head, upto)]
    return [*steps, ("equal", until, len(old), upto, len(new))]


def _common(one: list[str], other: list[str]) -> int:
    """How many pieces both begin with."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def told(before: str, after: str, escape: Callable[[str], str], limit: int) -> str:
    """Dropped words struck through, added ones in bold, on one line; what is beyond `limit` characters is left out.

    `escape` keeps the words from being read as marks.
    """
    shown: list[str] = []
    left, before_it = limit, ""
    for change in words(before, after):
        # A word that took the place of the first one had no space before it.
        beside = change.what == "added" and change.text[:1].isalnum() and before_it == "dropped"
        space = " " if shown and (change.text[:1].isspace() or beside) else ""
        before_it = change.what
        text = " ".join(change.text.split())
        if len(text) > left:
            text = text[: max(left, 0)].rstrip() + "…"
        left -= len(text) + 5
        mark = _MARKS[change.what]
        shown.append(f"{space}{mark}{escape(text)}{mark}")
        if left <= 0:
            break
    return "".join(shown)
