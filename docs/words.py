"""Writes bot/locale/bot.pot, every word that members read, and brings the translations beside it up to date.

`make words` after a change of words; tests/architecture/test_words.py tells when. A language begins with
`pybabel init -D bot -i bot/locale/bot.pot -d bot/locale -l de`; once bot.po is translated, `make words` compiles it.
"""

from __future__ import annotations

import io
import string
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "bot/locale"
TEMPLATE = LOCALE / "bot.pot"
_FOLDERS = ("bot", "flux2")
_SILENT = ("terminal/", "training/")
"""Below them: read by those who type commands, who read English."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Written as the date of the template, which shall differ only where words do."""


def collected() -> Catalog:
    """The words as they stand in the code."""
    catalogue = Catalog(project="flux2-discord-bot", header_comment="# Words for members.", creation_date=_LONG_AGO)
    for folder in _FOLDERS:
        found = extract_from_dir(ROOT / folder, [("**.py", "python")], comment_tags=("Translators:",))
        for file, _line, text, comments, context in sorted(found, key=lambda one: one[:2]):
            if file.startswith(_SILENT):
                continue
            catalogue.add(text, locations=[(f"{folder}/{file}", 0)], auto_comments=comments, context=context)
    return catalogue


def template() -> bytes:
    """What bot.pot has to be."""
    return _written(collected())


def translations() -> Iterator[tuple[Path, Catalog]]:
    """Every bot.po there is."""
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/bot.po")):
        with path.open("rb") as file:
            yield path, read_po(file, locale=path.parts[-3], domain="bot")


def compiled(catalogue: Catalog) -> bytes:
    """What the bot reads of a translation; fuzzy ones are left out."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def faults(catalogue: Catalog) -> list[str]:
    """Translations that name other placeholders than the English words do: they would fail when said."""
    return [f"{message.id!r} became {message.string!r}" for message in catalogue if _is_at_fault(message)]


def _is_at_fault(message: Message) -> bool:
    english, translated = (
        value if isinstance(value, tuple | list) else (value,) for value in (message.id, message.string)
    )
    allowed = {name for form in english for name in _placeholders(form)}
    try:
        return any(_placeholders(form) - allowed for form in translated if message.id)
    except ValueError:  # a brace without its partner
        return True


def _placeholders(text: str) -> set[str]:
    return {name for _literal, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def _written(catalogue: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=120, include_lineno=False)
    return buffer.getvalue()


def main() -> int:
    """Write the template, then each translation and what is compiled of it."""
    words = collected()
    LOCALE.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(_written(words))
    status = 0
    for path, catalogue in translations():
        catalogue.update(words)
        path.write_bytes(_written(catalogue))
        for fault in faults(catalogue):
            sys.stderr.write(f"{path.relative_to(ROOT)}: {fault}\n")
            status = 1
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
    return status


if __name__ == "__main__":
    sys.exit(main())
