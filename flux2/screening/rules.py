"""Words that may not be asked for: a list of phrases to deny, and phrases that are fine although they hold one.

Torch-free. Matches whole words whatever their case, width, accents or hidden characters, so that “Ｇｏｒｅ” is “gore”.
The rules are the operator's, in a TOML file with the lists `deny` and `allow`:

    deny = ["gore", "my neighbour"]
    allow = ["gore-tex"]
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flux2.errors import CheckpointUnavailable

_LOOKALIKES = (str.maketrans("013457@$!", "oleastasi"), str.maketrans("013457@$!", "oieastasi"))
"""Digits and signs that stand for letters inside a word."""
_TWINS = str.maketrans(
    "савеіјкмнорѕтухԁɡɩѵԝһսոзαβγεηικνορτυχωſıøłđħ",
    "cabeijkmhopstyxdgivwhunzabyehiknoptuxwsioldh",
)
"""Letters of other alphabets that look like Latin ones."""
_SPREAD = re.compile(r"(?<![^\W_])(?:[^\W_][\W_]{1,3}){2,}[^\W_](?![^\W_])")
"""Single letters with signs between them: g.o.r.e."""
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")
"""One letter three times or more: goooore."""
_GAP = r"[\W_]*"
"""Between the words of a phrase; nothing, where letters written apart were put together."""


class Rules:
    """Denied and allowed phrases."""

    def __init__(self, deny: Iterable[str], allow: Iterable[str] = ()) -> None:
        self._deny = [(phrase, _pattern(phrase)) for phrase in deny if _fold(phrase).strip()]
        self._allow = [_pattern(phrase) for phrase in allow if _fold(phrase).strip()]

    def objection(self, prompt: str) -> str | None:
        """Name the first denied phrase that `prompt` holds outside every allowed one."""
        folded = _fold(prompt)
        for text in _readings(folded):
            for allowed in self._allow:
                # Marks the place rather than closing the gap: the words around must not become neighbours.
                text = allowed.sub(" \u2022 ", text)
            for phrase, pattern in self._deny:
                if pattern.search(text):
                    return f"“{phrase}” is not allowed here"
        return None


def _readings(folded: str) -> Iterator[str]:
    """The ways a prompt may be meant to be read: as it stands, and with the usual disguises taken off."""
    yield folded
    latin = folded.translate(_TWINS)
    for text in (latin, *(latin.translate(table) for table in _LOOKALIKES)):
        joined = _SPREAD.sub(lambda found: re.sub(r"[\W_]", "", found[0]), text)
        for reading in (text, joined):
            yield reading
            yield _DRAWN_OUT.sub(r"\1", reading)


def read(file: Path) -> Rules:
    """Read the rules of a TOML file. Raises CheckpointUnavailable with one sentence for the operator."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise CheckpointUnavailable(
            f"The screening rules {file} cannot be read ({broken}); fix FLUX2_SCREEN_RULES."
        ) from broken
    unknown = sorted(set(document) - {"deny", "allow"})
    lists = [document.get("deny", []), document.get("allow", [])]
    if unknown or not all(map(_is_phrases, lists)):
        raise CheckpointUnavailable(f"The screening rules {file} hold more than the lists of words deny and allow.")
    return Rules(*lists)


def _is_phrases(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(phrase, str) and phrase.strip() for phrase in value)


def _pattern(phrase: str) -> re.Pattern[str]:
    words = re.findall(r"\w+", _fold(phrase).replace("_", " "))
    # What has no letters at all (an emoji) is looked for as it is.
    body = _GAP.join(map(re.escape, words)) if words else re.escape(_fold(phrase).strip())
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])")


def _fold(text: str) -> str:
    """Lower case, full width to half, accents and invisible characters dropped."""
    decomposed = unicodedata.normalize("NFKD", text)
    kept = (c for c in decomposed if unicodedata.category(c) not in {"Cf", "Mn"})
    return unicodedata.normalize("NFKC", "".join(kept)).casefold()
