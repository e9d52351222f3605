"""Quoted text in a prompt: lettering that is to appear in the picture, and is therefore never touched.

Owns which marks quote. An apostrophe inside a word is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(
    r"""“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|"[^"\n]*"|‘[^’\n]*’(?!\w)|(?<!\w)'[^'\n]+'(?!\w)"""
)


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """Split `text` into (piece, is quoted); the pieces together are the text. Marks belong to what they quote."""
    end = 0
    for match in _QUOTED.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], False
        yield match[0], True
        end = match.end()
    if end < len(text):
        yield text[end:], False


def without(text: str) -> str:
    """Return `text` with its quoted pieces blanked out, positions kept."""
    return "".join(" " * len(piece) if quoted else piece for piece, quoted in parts(text))
