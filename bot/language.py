"""The language members read: English as it stands in the code, or what a catalogue of bot/locale makes of it.

`_` and `ngettext` look words up at the moment they are said: `_("Queued {place}").format(place=…)`, filled afterwards,
so that a translation may order them anew. What stands in a constant or a decorator is marked with `N_` there and looked
up where it is said: modules are imported before the root chooses the language. `make words` writes the catalogues.
The marks are flux2's, whose refusals members read too.
"""

from __future__ import annotations

import gettext
from pathlib import Path

from flux2 import language as marks
from flux2.language import N_, _, listed, ngettext

__all__ = ["DOMAIN", "ENGLISH", "FOLDER", "N_", "Unspoken", "_", "is_english", "listed", "ngettext", "speak"]

ENGLISH = "en"
"""What the code is written in; it needs no catalogue."""
DOMAIN = "bot"
FOLDER = Path(__file__).with_name("locale")


class Unspoken(Exception):
    """There is no catalogue of that language; the text is a sentence for the operator."""


def speak(language: str) -> None:
    """Say everything in `language` from here on, and in English what its catalogue lacks. Raises Unspoken."""
    if language == ENGLISH:
        marks.speak(gettext.NullTranslations())
        return
    try:
        marks.speak(gettext.translation(DOMAIN, FOLDER, [language]))
    except OSError:
        known = ", ".join([ENGLISH, *sorted(path.parts[-3] for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))])
        raise Unspoken(f"BOT_LANGUAGE: there is no catalogue of “{language}”; choose one of {known}.") from None


def is_english() -> bool:
    """Whether what stands in the code is what is said."""
    return not isinstance(marks.spoken(), gettext.GNUTranslations)
