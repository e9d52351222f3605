"""Words for members stand where `_`, `ngettext` or `N_` of bot/language.py finds them, and in the catalogue."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

MARKS = {"_": 1, "N_": 1, "ngettext": 2}
"""What marks words, and how many of its first arguments are words."""
OPERATORS = {
    "bot/__main__.py", "bot/backstage.py", "bot/complaints.py", "bot/language.py",
    "bot/doctor", "bot/ledger", "bot/terminal",
}  # fmt: skip
"""Read by those who run the bot, in terminals, logs and /doctor; these stay English, as manuals and search engines have
them."""
LIBRARY = {"ValueError", "TypeError", "RuntimeError", "KeyError", "LookupError"}
"""Errors whose text only developers read."""
NO_WORDS = {
    "bot/client.py": {"Edit", "Upscale", "preset use"},  # names of menus and commands, as Discord sends them
    "bot/traces.py": {"\nif redis.call"},  # Lua
    "bot/gathering.py": {"image ", "images "},  # as prompts say it, for models
    "bot/preset.py": {"image ", "images "},
    "bot/commands/scene.py": {"a scene"},  # stands for the prompt that the form will ask for
}
"""By file, beginnings of literals that look like words and are none."""


def looks_like_words(text: str) -> bool:
    """Two words with a space between, one that begins like a sentence or ends like one."""
    bare = re.sub(r"\{\w*\}|<[^>]*>|https?:\S+|flux2:\S+|^/[a-z ]+", "", text)
    return bool(re.search(r"[^\W\d_]{2,}[^\w]* |[ ·#][^\W\d_]{2,}|^[A-Z][a-z]+(…|$)|[a-z][.!?…:]$", bare))


def literals(path: Path, within: str = "") -> Iterator[tuple[int, str]]:
    """Line and text of every literal of a module, or of its calls of `within`, that looks like words and is not marked
    as such."""
    tree = ast.parse(path.read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr():
                fixed = [one.value for one in node.values if isinstance(one, ast.Constant)]
                text = "{}".join(str(one) for one in fixed)
            case ast.Constant(value=str(text)) if not isinstance(parents[node], ast.JoinedStr):
                pass
            case _:
                continue
        is_within = not within or any(_calls(one, within) for one in _above(node, parents))
        if is_within and looks_like_words(text) and not _is_exempt(node, parents):
            yield node.lineno, text


def _is_exempt(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    if isinstance(parents[node], ast.Expr | ast.Compare | ast.MatchValue | ast.Subscript):
        return True  # a docstring, or a value of code
    above = list(_above(node, parents))
    call = next((one for one in above if isinstance(one, ast.Call)), None)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS:
        # The extraction looks into no f-string and through no condition.
        in_reach = node in call.args[: MARKS[call.func.id]] and not any(isinstance(one, ast.JoinedStr) for one in above)
        return in_reach and isinstance(node, ast.Constant)
    return any(_speaks_to_developers(one) for one in above)


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def _speaks_to_developers(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="_log" | "re"))) | ast.Assert():
            return True
        case ast.Call(
            func=ast.Attribute(attr="note" | "record") | ast.Name(id="note")
        ):  # a deed in the audit log, found by its name
            return True
        case ast.Call(args=[first, *_]) if ast.unparse(first) in {"desk", "desk.actor"}:  # the same
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name))):
            return name in LIBRARY
    return False


def _is_operators(file: str) -> bool:
    return any(file == one or file.startswith(f"{one}/") for one in OPERATORS)


def files(root: Path) -> dict[str, Path]:
    """Every module that may speak to members."""
    found = {str(path.relative_to(root)): path for path in sorted((root / "bot").rglob("*.py"))}
    return {file: path for file, path in found.items() if not _is_operators(file)}


def test_no_words_stand_outside_the_catalogue(root: Path) -> None:
    """Whatever a member may read is marked, so that a translation reaches all of it."""
    outside = [
        f"{file}:{line} {text!r}"
        for file, path in files(root).items()
        for line, text in literals(path)
        if not any(text.startswith(known) for known in NO_WORDS.get(file, ()))
    ]
    assert outside == []


def test_refusals_of_flux2_are_marked(root: Path, words: Any) -> None:
    """What flux2 refuses is read by members too."""
    found = {str(path.relative_to(root / "flux2")): path for path in sorted((root / "flux2").rglob("*.py"))}
    outside = [
        f"flux2/{file}:{line} {text!r}"
        for file, path in found.items()
        if not file.startswith(words._SILENT)
        for line, text in literals(path, within="InvalidRequest")
    ]
    assert outside == []


@pytest.fixture(scope="module")
def words(root: Path) -> Any:
    """docs/words.py."""
    spec = importlib.util.spec_from_file_location("words", root / "docs/words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_catalogue_is_what_the_code_says(words: Any) -> None:
    """Whoever translates bot.pot translates all that is said today."""
    assert words.TEMPLATE.read_bytes() == words.template(), "run make words"


@pytest.mark.parametrize("translated", ["{count} Bilder von {all}", "{count", "{} Bilder", ""])
def test_a_translation_that_could_not_be_filled_is_found(words: Any, translated: str) -> None:
    """A placeholder that the English words lack, or half of one; what is not translated is no fault."""
    catalogue = Catalog(locale="de")
    catalogue.add("{count} pictures", "{count} Bilder")
    assert words.faults(catalogue) == []
    catalogue.add("{count} foxes", translated)
    assert bool(words.faults(catalogue)) is bool(translated)


def test_no_label_is_longer_than_discord_takes(words: Any) -> None:
    """Of forms, buttons, lists and commands, English and translated: a longer one would break what it stands on."""
    caps = words.limits()
    # Of a form, of a button's class, by a name, of a skeleton's button, of a command; the shortest where used for more.
    for label, most in (("Only there", 45), ("More…", 80), ("Everywhere", 150), ("Vary", 80), ("Edit", 32)):
        assert caps[label] == most
    assert [label for label, most in caps.items() if len(words._bare(label)) > most] == []
    catalogue = Catalog(locale="de")
    catalogue.add("Only there", "Nur an dieser einen Stelle des Bildes")
    assert words.faults(catalogue) == []
    catalogue.add("Studio", "Atelier für alles, was man sich nur wünschen kann")
    assert len(words.faults(catalogue)) == 1
    assert "At most 45 characters." in {comment for one in words.collected() for comment in one.auto_comments}


def test_translations_are_compiled_and_fill_the_same_places(words: Any) -> None:
    """A translation that names another placeholder would fail only when it is said."""
    for path, catalogue in words.translations():
        assert words.faults(catalogue) == []
        assert path.with_suffix(".mo").read_bytes() == words.compiled(catalogue), "run make words"
