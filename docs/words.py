"""Writes bot/locale/bot.pot, every word that members read, and brings the translations beside it up to date.

`make words` after a change of words; tests/architecture/test_words.py tells when. A language begins with
`pybabel init -D bot -i bot/locale/bot.pot -d bot/locale -l de`; once bot.po is translated, `make words` compiles it.
"""

from __future__ import annotations

import ast
import functools
import io
import string
import sys
from collections.abc import Iterator, Mapping
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
_MARKS = {"_": 1, "N_": 1, "ngettext": 2}
"""What marks words, and how many of its first arguments are words."""
_ANY = "*"
_LONGEST: dict[str, dict[str, int]] = {
    "Modal": {"title": 45},
    "Label": {"text": 45, "description": 100},
    "TextInput": {"placeholder": 100},
    "Select": {"placeholder": 150},
    "SelectOption": {"label": 100, "description": 100},
    "Button": {"label": 80},
    "_button": {"0": 80},
    "PageButton": {"2": 80},
    "DialogueButton": {"2": 80},
    "ask": {"2": 80},
    "carry_out_after_asking": {"2": 80},
    "command": {"description": 100},
    "context_menu": {"name": 32},
    "describe": {_ANY: 100},
    "Choice": {"name": 100},
    "__init__": {"description": 100},
}
"""Characters that Discord takes, by what is called and by argument or its place."""
_BUTTON_TEXT = 80
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Written as the date of the template, which shall differ only where words do."""


@functools.cache
def limits() -> dict[str, int]:
    """How long the words of a label may be, by the words in English."""
    found: dict[str, int] = {}
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            for words, most in _labels(tree):
                found[words] = min(most, found.get(words, most))
    return found


def _labels(tree: ast.Module) -> Iterator[tuple[str, int]]:
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for scope in (tree, *scopes):
        known = _assigned(tree) | _assigned(scope)
        for node in ast.walk(scope):
            if isinstance(node, ast.Call):
                for argument, most in _capped(node):
                    yield from ((words, most) for words in _said(argument, known))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):  # what a button's class says of itself
            for words in _said(_assigned(node).get("text"), {}):
                yield words, _BUTTON_TEXT


def _assigned(scope: ast.AST) -> dict[str, ast.expr]:
    """What the names of a scope stand for, those of the scopes in it left out."""
    body = getattr(scope, "body", ())
    return {
        target.id: node.value
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _capped(call: ast.Call) -> Iterator[tuple[ast.expr, int]]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    caps = _LONGEST.get(name, {})
    for place, argument in enumerate(call.args):
        if str(place) in caps:
            yield argument, caps[str(place)]
    for keyword in call.keywords:
        if (most := caps.get(keyword.arg or "", caps.get(_ANY))) is not None:
            yield keyword.value, most


def _said(expression: ast.expr | None, known: Mapping[str, ast.expr]) -> Iterator[str]:
    """Marked words in an expression, and behind the names in it."""
    for node in ast.walk(expression) if expression is not None else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MARKS:
            for argument in node.args[: _MARKS[node.func.id]]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)
        if isinstance(node, ast.Name) and node.id in known and known[node.id] is not expression:
            yield from _said(known[node.id], {})


def collected() -> Catalog:
    """The words as they stand in the code."""
    longest = limits()
    catalogue = Catalog(project="flux2-discord-bot", header_comment="# Words for members.", creation_date=_LONG_AGO)
    for folder in _FOLDERS:
        found = extract_from_dir(ROOT / folder, [("**.py", "python")], comment_tags=("Translators:",))
        for file, _line, text, comments, context in sorted(found, key=lambda one: one[:2]):
            if file.startswith(_SILENT):
                continue
            if isinstance(text, str) and text in longest:
                comments = [*comments, _cap(longest[text])]
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


def _cap(most: int) -> str:
    return f"At most {most} characters."


def faults(catalogue: Catalog, longest: Mapping[str, int] | None = None) -> list[str]:
    """Translations that could not be said: they name other placeholders than the English words do, or are longer than
    Discord takes a label."""
    caps = limits() if longest is None else longest
    strange = [f"{message.id!r} became {message.string!r}" for message in catalogue if _is_at_fault(message)]
    return strange + [
        f"{message.string!r} is longer than {caps[message.id]} characters"
        for message in catalogue
        if isinstance(message.id, str) and len(_bare(message.string)) > caps.get(message.id, len(message.string))
    ]


def _bare(text: str) -> str:
    """The words without what is filled in."""
    try:
        return "".join(literal for literal, *_ in string.Formatter().parse(text))
    except ValueError:
        return text


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
