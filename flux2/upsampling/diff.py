"""What a rewrite changed, word by word. Pure; declines to know how a change is shown."""

from __future__ import annotations

import difflib
import re
from typing import Literal, NamedTuple

_PIECE = re.compile(r"\s*(?:[^\W_]+(?:['’#.-][^\W_]+)*|[^\w\s]+|_+)")
"""A word or a run of punctuation, with the space before it."""


class Change(NamedTuple):
    """A run of words that was kept, dropped or added; its spaces included."""

    what: Literal["kept", "dropped", "added"]
    text: str


def words(before: str, after: str) -> list[Change]:
    """Return the changes in order. The kept and added ones are `after`, the kept and dropped ones `before`, but for
    the spaces between words.
    """
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    # Compared without the spaces before them, and however they are spelled at a sentence's beginning.
    matcher = difflib.SequenceMatcher(None, [w.strip() for w in old], [w.strip() for w in new], autojunk=False)
    changes: list[Change] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            changes.append(Change("kept", "".join(new[j1:j2])))
            continue
        if i1 < i2:
            changes.append(Change("dropped", "".join(old[i1:i2])))
        if j1 < j2:
            changes.append(Change("added", "".join(new[j1:j2])))
    return changes
