"""Words that may not be asked for: a list of phrases to deny, and phrases that are fine although they hold one.

Torch-free. Matches whole words whatever their case, width, accents or hidden characters, so that “Ｇｏｒｅ” is “gore”.
The rules are the operator's, in a TOML file; what is fine alone and not beside something else stands in a pair:

    deny = ["gore", "my neighbour"]
    allow = ["gore-tex"]

    [[together]]
    words = ["naked"]
    beside = ["child"]
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flux2.errors import CheckpointUnavailable
from flux2.language import _

_LOOKALIKES = (str.maketrans("01345789@$!|€", "oleastbgasile"), str.maketrans("01345789@$!|€", "oieastbgasiie"))
"""Digits and signs that stand for letters inside a word."""
_TWINS = str.maketrans(
    "савегіјкмнорѕтухԁɡɩѵԝһսոզցօհյзαβγεηικνορτυχωſıøłđħɑɘɵᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢᎪᏴᏟᎠᎬᏀᎻᏆᎫᏦᏞᎷᎾᏢᎡᏚᎢᏙᎳᎩᏃ",
    "caberijkmhopstyxdgivwhunqgohjzabyehiknoptuxwsioldhaeoabcdefghijklmnoprstuvwyzabcdeghijklmoprstvwyz",
) | {start + i: ord("a") + i for start in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
"""Letters of other alphabets that look like Latin ones, small capitals, letters in boxes and circles, and of flags."""
_SPREAD = re.compile(r"(?<![^\W_])(?:[^\W_][\W_]{1,3}){2,}[^\W_](?![^\W_])")
"""Single letters with signs between them: g.o.r.e."""
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")
"""One letter three times or more: goooore."""
_DOUBLED = re.compile(r"(?<![^\W_])(?:([^\W_])\1){3,}(?![^\W_])")
"""Every letter of a word twice: ggoorree."""
_HIDDEN = {0xE0020 + i: chr(0x20 + i) for i in range(95)} | dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0), None)
"""Letters of tags, which show nothing and are read by language models; and fillers, which count as letters."""
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
"""How Unicode's names of such letters begin."""
_GAP = r"[\W_]*"
"""Between the words of a phrase; nothing, where letters written apart were put together."""


class Rules:
    """Denied and allowed phrases, and pairs of lists of which no prompt may hold one of each."""

    def __init__(
        self,
        deny: Iterable[str] = (),
        allow: Iterable[str] = (),
        together: Iterable[tuple[Iterable[str], Iterable[str]]] = (),
    ) -> None:
        self._deny = _Phrases(deny)
        self._allow = _Phrases(allow)
        self._together = [(_Phrases(words), _Phrases(beside)) for words, beside in together]

    def objection(self, prompt: str) -> str | None:
        """Name the first denied phrase, or pair, that `prompt` holds outside every allowed one."""
        texts = [self._allow.without(reading) for reading in dict.fromkeys(_readings(_fold(prompt)))]
        if (phrase := self._deny.first_in(texts)) is not None:
            return _("“{phrase}” is not allowed here").format(phrase=phrase)
        for words, beside in self._together:
            # Each may wear a disguise of its own, so they may stand in two readings.
            if (first := words.first_in(texts)) is not None and (second := beside.first_in(texts)) is not None:
                return _("“{first}” together with “{second}” is not allowed here").format(first=first, second=second)
        return None


class _Phrases:
    """A list of phrases as one expression: long lists cost little more than short ones."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._phrases = sorted((phrase for phrase in phrases if _fold(phrase).strip()), key=_is_unspaced)
        bodies = [f"({_body(phrase)})" for phrase in self._phrases]
        whole = sum(not _is_unspaced(phrase) for phrase in self._phrases)
        words = [rf"(?<![^\W_])(?:{'|'.join(bodies[:whole])})(?![^\W_])"] if whole else []
        self._pattern = re.compile("|".join((*words, *bodies[whole:]))) if bodies else None

    def first_in(self, texts: Iterable[str]) -> str | None:
        """The phrase that stands first in the first folded text that holds one."""
        if self._pattern is None:
            return None
        found = next(filter(None, map(self._pattern.search, texts)), None)
        return None if found is None else self._phrases[int(found.lastindex or 1) - 1]

    def without(self, text: str) -> str:
        """A folded text without these phrases."""
        # Marks the place rather than closing the gap: the words around must not become neighbours.
        return self._pattern.sub(" \u2022 ", text) if self._pattern else text


def _readings(folded: str) -> Iterator[str]:
    """The ways a prompt may be meant to be read: as it stands, and with the usual disguises taken off."""
    yield folded
    latin = folded.translate(_TWINS)
    for text in (latin, *(latin.translate(table) for table in _LOOKALIKES)):
        joined = _SPREAD.sub(_joined, text)
        for reading in (text, joined):
            yield reading
            # Once for gore, twice for school.
            yield _DRAWN_OUT.sub(r"\1", reading)
            yield _DRAWN_OUT.sub(r"\1\1", reading)
            yield _DOUBLED.sub(lambda word: word[0][::2], reading)


def _joined(spread: re.Match[str]) -> str:
    letters = re.sub(r"[\W_]", "", spread[0])
    # “a g.o.r.e”: the first letter may be a word of its own.
    return f"{letters} {letters[1:]}" if letters[0] in "ai" else letters


def read(file: Path) -> Rules:
    """Read the rules of a TOML file. Raises CheckpointUnavailable with one sentence for the operator."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise CheckpointUnavailable(
            f"The screening rules {file} cannot be read ({broken}); fix FLUX2_SCREEN_RULES."
        ) from broken
    deny, allow, together = (document.pop(name, []) for name in ("deny", "allow", "together"))
    if document or not all(map(_is_phrases, (deny, allow))) or not _is_pairs(together):
        raise CheckpointUnavailable(
            f"The screening rules {file} hold more than the lists of words deny and allow, and pairs of them under "
            "together (words, beside)."
        )
    return Rules(deny, allow, [(pair["words"], pair["beside"]) for pair in together])


def _is_phrases(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(phrase, str) and phrase.strip() for phrase in value)


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, dict) and set(pair) == {"words", "beside"} and all(map(_is_phrases, pair.values()))
        for pair in value
    )


def _is_unspaced(phrase: str) -> bool:
    """Whether its script sets no spaces, or joins endings to words, so that it is looked for inside others."""
    return any(unicodedata.name(sign, "").startswith(_UNSPACED) for sign in phrase)


def _body(phrase: str) -> str:
    words = re.findall(r"\w+", _fold(phrase).replace("_", " "))
    # What has no letters at all (an emoji) is looked for as it is.
    return _GAP.join(map(re.escape, words)) if words else re.escape(_fold(phrase).strip())


def _fold(text: str) -> str:
    """Lower case, full width to half, accents and invisible characters dropped."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_HIDDEN))
    kept = (c for c in decomposed if unicodedata.category(c) not in {"Cf", "Mn"})
    return unicodedata.normalize("NFKC", "".join(kept)).casefold()
