"""The language members read: English as it stands in the code, or what a catalogue of bot/locale makes of it.

`_` and `ngettext` look words up at the moment they are said: `_("Queued {place}").format(place=…)`, filled afterwards,
so that a translation may order them anew. What stands in a constant or a decorator is marked with `N_` there and looked
up where it is said: modules are imported before the root chooses the language. `make words` writes the catalogues.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from pathlib import Path

ENGLISH = "en"
"""What the code is written in; it needs no catalogue."""
DOMAIN = "bot"
FOLDER = Path(__file__).with_name("locale")

_spoken = gettext.NullTranslations()


class Unspoken(Exception):
    """There is no catalogue of that language; the text is a sentence for the operator."""


def speak(language: str) -> None:
    """Say everything in `language` from here on, and in English what its catalogue lacks. Raises Unspoken."""
    global _spoken
    if language == ENGLISH:
        _spoken = gettext.NullTranslations()
        return
    try:
        _spoken = gettext.translation(DOMAIN, FOLDER, [language])
    except OSError:
        known = ", ".join([ENGLISH, *sorted(path.parts[-3] for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))])
        raise Unspoken(f"BOT_LANGUAGE: there is no catalogue of “{language}”; choose one of {known}.") from None


def is_english() -> bool:
    """Whether what stands in the code is what is said."""
    return not isinstance(_spoken, gettext.GNUTranslations)


def _(text: str) -> str:
    """`text` in the language that is spoken."""
    return _spoken.gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Of the two forms the one that goes with `count`, in the language that is spoken."""
    return _spoken.ngettext(one, many, count)


def listed(parts: Sequence[str]) -> str:
    """“a”, “a and b”, “a, b and c”."""
    *others, last = parts
    return _("{others} and {last}").format(others=", ".join(others), last=last) if others else last


def N_(text: str) -> str:  # noqa: N802 - gettext's own name, which the extraction looks for
    """`text` itself; it is only marked as words, for `_` to look up later."""
    return text
