"""Marks sentences for translation, and says them in the language a root hands over; in English without one.

Declines to know where translations come from: bot/language.py reads them. Workers speak English.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence

_spoken = gettext.NullTranslations()


def speak(translations: gettext.NullTranslations) -> None:
    """Say everything by `translations` from here on."""
    global _spoken
    _spoken = translations


def spoken() -> gettext.NullTranslations:
    """What is spoken by."""
    return _spoken


def _(text: str) -> str:
    """`text` in the language that is spoken."""
    return _spoken.gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Of the two forms the one that goes with `count`, in the language that is spoken."""
    return _spoken.ngettext(one, many, count)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name, which the extraction looks for
    """`text` itself; it is only marked as words, for `_` to look up later."""
    return text


def listed(parts: Sequence[str]) -> str:
    """“a”, “a and b”, “a, b and c”."""
    *others, last = parts
    return _("{others} and {last}").format(others=", ".join(others), last=last) if others else last
