"""What a rewrite must not touch: lettering in quotes, colour codes, names and “image N”. Torch-free, pure.

`keep` gives the rewrite back with every lock of the original in place, repaired where it is plain how, or refuses it.
A language model's good will is not trusted: whatever it answers, one of the two happens.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from flux2.errors import UpsamplingFailed
from flux2.prompting import quotes

_HEX = re.compile(r"(?<![\w&#])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![\w#])")
_IMAGE = re.compile(r"\bimage\s?#?(\d{1,2})\b", re.I)
_SPELLED_IMAGE = re.compile(
    r"\b(?:the\s+)?(?:(?P<ordinal>first|second|third|fourth|fifth|sixth)\s+(?:reference\s+|input\s+|attached\s+)?"
    r"(?:image|picture|photo)|(?:reference|picture|photo|img)\s?(?:image\s?)?#?(?P<digit>\d{1,2})"
    r"|image\s+(?P<word>one|two|three|four|five|six))\b",
    re.I,
)
_NUMBERS = {word: n for words in (("first", "second", "third", "fourth", "fifth", "sixth"),
                                  ("one", "two", "three", "four", "five", "six"))
            for n, word in enumerate(words, start=1)}  # fmt: skip
_WORD = re.compile(r"[^\W_][\w.&’'-]*[\w]|[^\W_]")
_SENTENCE_END = re.compile(r"[.!?:;\n]\s*[“\"'(]*$|^\s*$")
_SMALL = frozenset(
    {"of", "the", "de", "la", "du", "da", "di", "del", "van", "von", "der", "den", "el", "al", "bin", "ibn", "and", "y"}
)
_OPENERS = frozenset(
    re.findall(
        r"\w+",
        "a an the make draw paint put show create turn replace change add remove give use keep place let my our this "
        "that two three in on at with portrait photo picture image poster close",
    )
)
"""Words a sentence begins with, which take no part in the name that follows."""
_SHOUTED = 0.4
"""More capitalised words than this and capitals mean nothing: German nouns, titles, shouting."""
_ALIKE = 0.6
_MARKS = "“”„«»「」『』\"‘’'"


@dataclass(frozen=True)
class Locks:
    """What one prompt holds that has to survive. Lettering and names as written, codes in lower case."""

    quoted: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    images: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def broken_in(self, text: str, attached: int = 0) -> str | None:
        """Return what of these locks `text` lacks or made up, as the rest of a sentence; None if it holds.

        The pictures that are `attached` may be numbered by the rewrite too.
        """
        lettering = set(_quoted(text))
        for piece in self.quoted:
            if piece not in lettering:
                return f"“{piece}” was changed"
        for code in self.codes:
            if code not in _codes(text):
                return f"the color {code.upper()} was lost"
        found = set(_images(text))
        for number in self.images:
            if number not in found:
                return f"“image {number}” was lost"
        if foreign := sorted(found - set(self.images) - set(range(1, attached + 1))):
            return f"“image {foreign[0]}” was made up"
        for name in self.names:
            if not _named(name).search(text):
                return f"the name “{name}” was lost"
        return None


def find(prompt: str) -> Locks:
    """The locks of a prompt in plain words."""
    bare = quotes.without(prompt)
    return Locks(
        quoted=tuple(dict.fromkeys(_quoted(prompt))),
        codes=tuple(dict.fromkeys(_codes(bare))),
        images=tuple(dict.fromkeys(_images(bare))),
        names=tuple(dict.fromkeys(_names(bare))),
    )


def keep(prompt: str, rewrite: str, attached: int = 0) -> str:
    """Return `rewrite` with every lock of `prompt` in place; one that holds already comes back as it is.

    `attached` is the number of pictures that go with it.

    Raises UpsamplingFailed where it cannot be told how to mend it.
    """
    locks = find(prompt)
    if locks.broken_in(rewrite, attached) is not None:
        rewrite = _mend(locks, rewrite)
    broken = locks.broken_in(rewrite, attached)
    if broken is not None:
        raise UpsamplingFailed(f"The rewritten prompt was not used because {broken} in it.")
    return rewrite


def _mend(locks: Locks, text: str) -> str:
    text = _mend_images(locks, text)
    for piece in locks.quoted:
        if piece not in set(_quoted(text)):
            text = _mend_quoted(piece, text, locks)
    missing = [code for code in locks.codes if code not in _codes(text)]
    foreign = [code for code in dict.fromkeys(_codes(text)) if code not in locks.codes]
    if len(missing) == len(foreign) == 1:
        # One went and one came: it was exchanged.
        text = _HEX.sub(lambda m: missing[0].upper() if m[0].lower() == foreign[0] else m[0], text)
    for name in locks.names:
        if not _named(name).search(text):
            text = _mend_name(name, text)
    return text


def _mend_images(locks: Locks, text: str) -> str:
    def spelled(match: re.Match[str]) -> str:
        word = (match["ordinal"] or match["word"] or "").lower()
        number = _NUMBERS.get(word) or int(match["digit"] or 0)
        return f"image {number}" if number in locks.images else match[0]

    return "".join(piece if quoted else _SPELLED_IMAGE.sub(spelled, piece) for piece, quoted in quotes.parts(text))


def _mend_quoted(piece: str, text: str, locks: Locks) -> str:
    """Put the exact lettering where something like it stands, or say it at the end."""
    spans = [span for span in _quoted(text) if span not in locks.quoted]
    closest = max(spans, key=lambda span: _likeness(span, piece), default="")
    if closest and _likeness(closest, piece) >= _ALIKE:
        return "".join(
            f"{part[0]}{piece}{part[-1]}" if quoted and part[1:-1].strip() == closest else part
            for part, quoted in quotes.parts(text)
        )
    # Words that begin and end inside other words are not the lettering.
    bare = re.search(rf"(?<!\w){re.escape(piece)}(?!\w)", quotes.without(text)) if piece.strip() else None
    if bare and "\n" not in piece:
        return f"{text[: bare.start()]}{_in_quotes(piece)}{text[bare.end() :]}"
    ended = text.rstrip() if text.rstrip().endswith((".", "!", "?", "…", "。")) else f"{text.rstrip()}."
    return f"{ended} The lettering reads {_in_quotes(piece)}."


def _in_quotes(piece: str) -> str:
    return f"“{piece}”" if "”" not in piece else f'"{piece}"'


def _mend_name(name: str, text: str) -> str:
    """Give a name its own spelling back where it stands in another one."""
    words = list(_WORD.finditer(text))
    length = len(name.split())
    best, span = 0.0, (0, 0)
    for first in range(len(words) - length + 1):
        start, end = words[first].start(), words[first + length - 1].end()
        likeness = difflib.SequenceMatcher(None, text[start:end].casefold(), name.casefold()).ratio()
        if likeness > best:
            best, span = likeness, (start, end)
    return text[: span[0]] + name + text[span[1] :] if best >= 0.8 else text


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def _quoted(text: str) -> Iterator[str]:
    """What stands in quotes, without its marks; empty quotes letter nothing."""
    for piece, quoted in quotes.parts(text):
        inner = piece[1:-1].strip()
        if quoted and inner.strip(_MARKS + " "):
            yield inner


def _codes(text: str) -> list[str]:
    return [match[0].lower() for match in _HEX.finditer(text)]


def _images(text: str) -> list[int]:
    return [int(match[1]) for match in _IMAGE.finditer(quotes.without(text))]


def _named(name: str) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, name.split()))
    return re.compile(rf"(?<!\w){words}(?!\w)")


def _names(bare: str) -> Iterator[str]:
    """Runs of capitalised words; a single one only inside a sentence, where a capital has to mean something."""
    for other in (_IMAGE, _HEX):
        bare = other.sub(lambda match: "," * len(match[0]), bare)
    words = list(_WORD.finditer(bare))
    capitals = [match for match in words if match[0][0].isupper()]
    shouts = len(capitals) > max(2, _SHOUTED * len(words))
    run: list[re.Match[str]] = []
    for match in [*words, None]:
        if match is not None and _continues(run, match, bare, joins=not shouts):
            run.append(match)
            continue
        yield from _name_of(run, bare, shouts)
        run = [match] if match is not None and match[0][0].isupper() else []


def _continues(run: list[re.Match[str]], match: re.Match[str], bare: str, *, joins: bool) -> bool:
    """Whether a word goes on with the name begun; `joins`: small words such as “of” may stand inside."""
    if not run or bare[run[-1].end() : match.start()] != " ":
        return False
    return match[0][0].isupper() or (joins and match[0] in _SMALL and len(run) < 6)


def _name_of(run: list[re.Match[str]], bare: str, shouts: bool) -> Iterator[str]:
    while run and run[-1][0] in _SMALL:
        run = run[:-1]
    if not run:
        return
    begins_sentence = _SENTENCE_END.search(bare[: run[0].start()]) is not None
    if begins_sentence and (len(run) == 1 or run[0][0].lower() in _OPENERS):
        run = run[1:]
    while run and run[0][0] in _SMALL:
        run = run[1:]
    if not run or (shouts and (len(run) == 1 or begins_sentence)):
        return
    if len(run) == 1 and len(run[0][0]) == 1:
        return
    yield bare[run[0].start() : run[-1].end()]
