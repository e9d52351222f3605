"""“image 2” in a prompt: which reference images are meant, whether they are there, and how they are renumbered.

Counted from 1, in digits (“image 2”, “images 1, 2 and 4”, “image #3”) or as an ordinal (“the second image”). Quoted
text is lettering and means nothing here. Numbers above MAX are years, sizes or page numbers, never references.
Pictures, photos and “the second one” may name an image too, but as well the subject: they are read, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flux2.errors import InvalidRequest
from flux2.language import _, ngettext
from flux2.prompting import quotes, scene

MAX = 20
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
# What follows a number that counts something else: 16:9, 3.5, 2x, 50 %, 4 mp.
_ALONE = r"(?![\w%°]|[.:×]\d|\s*(?:%|px\b|pixels?\b|mp\b|megapixels?\b|[x×]\s*\d))"
_NUMBER = rf"\#?\d{{1,2}}{_ALONE}"
_DIGITS = re.compile(
    rf"\b(?P<noun>(?:reference )?(?:images?|imgs?|pictures?|photos?))\s+(?P<list>{_NUMBER}"
    rf"(?:(?:\s*,\s*(?:and\s+|or\s+)?|\s*(?:and|or|&|\+|to)\s+){_NUMBER})*)",
    re.I,
)
_WORDED = re.compile(
    rf"\b(?:the\s+)?(?P<ordinal>{'|'.join(_ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th))\s+"
    r"(?P<noun>(?:reference\s+)?(?:image|img|picture|photo|one))\b",
    re.I,
)
_IMAGE = re.compile(r"(?:reference\s+)?(?:image|img)s?", re.I)


def named(prompt: str) -> tuple[int, ...]:
    """Numbers of the images a prompt names, ascending, each once. 0 is one of them where it is written."""
    return _found(prompt, is_certain=False, ordinals=True)


def check(prompt: str, count: int) -> None:
    """Raise InvalidRequest if the prompt surely names an image beyond the `count` references there are."""
    # Without any references the first image may well be the subject.
    certain = _found(prompt, is_certain=True, ordinals=count > 0)
    missing = [number for number in certain if not 1 <= number <= count]
    if not missing:
        return
    wanted = f"image {missing[-1] if 0 not in missing else 0}"
    if not count:
        raise InvalidRequest(
            _("The prompt speaks of {wanted}, but no image was given; attach it, or quote the words.").format(
                wanted=wanted
            )
        )
    if 0 in missing:
        raise InvalidRequest(_("The prompt speaks of image 0, but images are counted from 1; write “image 1”."))
    raise InvalidRequest(
        ngettext(
            "The prompt speaks of {wanted}, but there is only image 1; attach it or change the number.",
            "The prompt speaks of {wanted}, but there are only images 1 to {count}; attach it or change the number.",
            count,
        ).format(wanted=wanted, count=count)
    )


def renumbered(prompt: str, numbers: Mapping[int, int]) -> str:
    """Return the prompt with every image called by its new number; those not in `numbers` keep theirs."""

    def digits(match: re.Match[str]) -> str:
        changed = re.sub(r"\d{1,2}", lambda one: str(numbers.get(int(one[0]), int(one[0]))), match["list"])
        return f"{match['noun']} {changed}"

    def worded(match: re.Match[str]) -> str:
        number = _ordinal(match["ordinal"])
        return f"image {numbers[number]}" if number in numbers else match[0]

    pieces = []
    for piece, is_quoted in quotes.parts(prompt):
        # Ordinals last: what they become must not be renumbered again.
        pieces.append(piece if is_quoted else _WORDED.sub(worded, _DIGITS.sub(digits, piece)))
    return "".join(pieces)


def _found(prompt: str, *, is_certain: bool, ordinals: bool) -> tuple[int, ...]:
    found: set[int] = set()
    for text in _texts(prompt):
        bare = quotes.without(text)
        for match in [*_DIGITS.finditer(bare), *(_WORDED.finditer(bare) if ordinals else ())]:
            if is_certain and not _IMAGE.fullmatch(match["noun"]):
                continue
            found |= {_ordinal(match["ordinal"])} if match.re is _WORDED else set(_numbers(match["list"]))
    return tuple(sorted(number for number in found if number <= MAX))


def _numbers(text: str) -> list[int]:
    """The numbers of a list; “2 to 4” names the third too."""
    found: list[int] = []
    for match in re.finditer(r"(to\s+)?\#?(\d{1,2})", text, re.I):
        number = int(match[2])
        found += range(found[-1] + 1, number + 1) if match[1] and found else (number,)
    return found


def _ordinal(word: str) -> int:
    word = word.lower()
    return _ORDINALS.index(word) + 1 if word in _ORDINALS else int(word[:-2])


def _texts(prompt: str) -> list[str]:
    """The prompt, or every text of a JSON prompt, whose own quotes are none."""
    described = scene.read(prompt)
    if described is None:
        return [prompt]
    texts: list[str] = []

    def look(_key: str, text: str) -> str:
        texts.append(text)
        return text

    scene.mapped(described.as_object(), look)
    return texts
