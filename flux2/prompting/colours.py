"""Exact colours in a prompt: hex codes and gradients, found, spelled alike and given the keyword the model looks for.

FLUX.2 takes a code after the word "color" or "hex", and a gradient by its first and last code. Codes in quoted text
are lettering and stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flux2.prompting import quotes

_KEYWORD = r"(?:hex|colou?r|couleur|farbe|colore|cor|kleur|цвет|색상|색|色|カラー|لون)"
_CODE = r"(?<![\w&#])#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![\w#])"
_ANY = re.compile(rf"(?P<code>{_CODE})|(?P<bare>(?<=\s)(?=[a-fA-F]*[0-9])[0-9a-fA-F]{{6}}(?![\w#]))")
_KEYED = re.compile(rf"(?:^|\W){_KEYWORD}(?:[ -]?code)?\s*[:=]?\s*$", re.I)
_LISTED = re.compile(r"(?:colou?rs|hexes|hex codes|palette)(?:\s+of)?\s*[:=]?\s*$", re.I)
_BETWEEN = re.compile(r"^\s*(?:,|/|&|and|or|,\s*and|,\s*or)\s*$", re.I)
_TO = r"(?:to|and|into|until|till|→|⟶|=>|->|–|—|-|(?:and\s+)?(?:finishing|ending)\s+(?:with|at|in))"
_FROM = r"(?:from|of|between|(?:starting|going|fading|running)\s+(?:with|at|from|in)|with|:)"
_GRADIENT = re.compile(
    rf"(?P<word>\bgradient\b)(?P<what>[^.#\n]{{0,40}}?)\s*{_FROM}?\s*(?:{_KEYWORD}\s*)?(?P<a>{_CODE})\s*{_TO}\s*"
    rf"(?:{_KEYWORD}\s*)?(?P<b>{_CODE})"
    rf"|(?:{_KEYWORD}\s*)?(?P<c>{_CODE})\s*(?:to|→|⟶|=>|->|–|—|-)\s*(?:{_KEYWORD}\s*)?(?P<d>{_CODE})\s+gradient\b"
    rf"|(?P<e>{_CODE})\s*(?:→|⟶|=>|->)\s*(?P<f>{_CODE})",
    re.I,
)
_COLOURED = re.compile(r"\bcolou?rs?\b[^.#\n]{0,30}$", re.I)
_MAX_SWATCHES = 16


@dataclass(frozen=True)
class Swatch:
    """A colour, or a gradient from `code` to `end`; codes are #RRGGBB in capitals."""

    code: str
    end: str | None = None


def normalise(text: str) -> str:
    """Return `text` with its codes as #RRGGBB behind a keyword, and its gradients by first and last code.

    Doing it again changes nothing.
    """
    done = ""
    for piece, quoted in quotes.parts(text):
        done += piece if quoted else _normalised(piece, done)
    return done


def spell(text: str) -> str:
    """Return `text` with its codes as #RRGGBB and nothing else changed: where a key already says they are colours."""
    return _ANY.sub(lambda m: _spelled(m[0]) if m["code"] else m[0], text)


def swatches(text: str) -> tuple[Swatch, ...]:
    """The colours that plain text names, in order, each once, at most 16. `text` is normalised or not."""
    found: dict[Swatch, None] = {}
    for piece, quoted in quotes.parts(normalise(text)):
        if quoted:
            continue
        rest = _GRADIENT.sub(lambda m: found.setdefault(Swatch(*_ends(m))) or " ", piece)
        for match in _ANY.finditer(rest):
            if match["code"] and _is_meant(match["code"], rest[: match.start()]):
                found.setdefault(Swatch(_spelled(match["code"])))
    return tuple(found)[:_MAX_SWATCHES]


def rgb(code: str) -> tuple[int, int, int]:
    """8-bit sRGB of #RRGGBB."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def _normalised(piece: str, before: str) -> str:
    done, end = before, 0
    for match in _GRADIENT.finditer(piece):
        done += _keyed(piece[end : match.start()], done)
        first, last = _ends(match)
        colour = "" if _COLOURED.search(done) else "color "
        what = (match["what"] or "").rstrip()
        done += f"{colour}gradient{what} starting with {first} and finishing with {last}"
        end = match.end()
    return (done + _keyed(piece[end:], done))[len(before) :]


def _keyed(piece: str, before: str) -> str:
    """Spell each code of a stretch without gradients, and put a keyword before it where there is none."""
    done, end = before, 0
    is_list = False
    for match in _ANY.finditer(piece):
        gap = piece[end : match.start()]
        done += gap
        has_keyword = _KEYED.search(done) is not None
        if (match["bare"] and not has_keyword) or (match["code"] and not _is_meant(match["code"], done)):
            done += match[0]
        else:
            is_list = _LISTED.search(done) is not None or (is_list and _BETWEEN.match(gap) is not None)
            done += _spelled(match[0]) if has_keyword or is_list else f"color {_spelled(match[0])}"
        end = match.end()
    return (done + piece[end:])[len(before) :]


def _is_meant(code: str, before: str) -> bool:
    """Whether a short code is a colour: #1a2 and #fff are, #100 and #fab only behind a keyword."""
    digits = code[1:]
    if len(digits) == 6 or len(set(digits.lower())) == 1 or not (digits.isdigit() or digits.isalpha()):
        return True
    return _KEYED.search(before) is not None


def _ends(match: re.Match[str]) -> tuple[str, str]:
    first, last = match["a"] or match["c"] or match["e"], match["b"] or match["d"] or match["f"]
    return _spelled(first), _spelled(last)


def _spelled(code: str) -> str:
    digits = code.lstrip("#").upper()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))
