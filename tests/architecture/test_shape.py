"""Sizes, docstrings and words: what keeps a file readable in one sitting."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "config", "flux2", "sandbox", "worker")
CODE = (*PACKAGES, "benchmarks", "tests")
MAX_MODULE = 400
MAX_FUNCTION = 60
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".txt", ".sh", ".conf", ".acl", ".example", ".html", ".css", ".js", ""}


def modules(*folders: str) -> list[Path]:
    """Every Python file below `folders`."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    """Name of a test case."""
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_packages_are_found() -> None:
    """The other tests of this file look at something."""
    for package in PACKAGES:
        assert (ROOT / package / "__init__.py").is_file()


def test_no_module_passes_400_lines() -> None:
    """One noun per module: what grows beyond is split."""
    long = {relative(path): n for path in modules(*CODE) if (n := len(path.read_text().splitlines())) > MAX_MODULE}
    assert long == {}


def test_no_function_passes_60_lines() -> None:
    """The stages of a long function have names of their own."""
    long = [
        f"{relative(path)}:{function.lineno} {function.name} has {size} lines"
        for path in modules(*CODE)
        for function in functions(ast.parse(path.read_text()))
        if (size := (function.end_lineno or function.lineno) - function.lineno + 1) > MAX_FUNCTION
    ]
    assert long == []


def test_every_module_says_what_it_owns() -> None:
    """Each module and package opens with a docstring."""
    silent = [relative(path) for path in modules(*CODE) if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_packages_run_nothing_on_import() -> None:
    """An __init__ is a docstring: a heavy import there would reach every process unseen."""
    busy = [
        relative(path)
        for path in modules(*PACKAGES)
        if path.name == "__init__.py" and len(ast.parse(path.read_text()).body) != 1 and path.parent.name != "tasks"
    ]
    assert busy == []


def test_every_test_claims_something() -> None:
    """The docstring of a test is the claim it proves."""
    silent = [
        f"{relative(path)}:{function.lineno} {function.name}"
        for path in modules("tests")
        for function in functions(ast.parse(path.read_text()))
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_no_package_marker_below_tests() -> None:
    """`tests/bot/__init__.py` would make `import bot` find the tests."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module is named for what it is."""
    vague = [relative(path) for path in modules(*CODE) if path.stem in BANNED_NAMES]
    assert vague == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_but_the_roots_reads_the_environment(package: str) -> None:
    """Settings are handed down; the one exception, a reason on its line, is how the sandbox isolates its children."""
    readers = [
        f"{relative(path)}:{node.lineno}"
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text()))
        if _reads_environment(node)
        and not (package == "sandbox" and "noqa: TID251 - " in path.read_text().splitlines()[node.lineno - 1])
    ]
    assert readers == []


def _reads_environment(node: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=attribute):
            return attribute in names
        case ast.ImportFrom(module="os", names=imported):
            return any(alias.name in names for alias in imported)
    return False


def test_nothing_names_a_developers_machine() -> None:
    """No file carries a path of the machine it was written on, nor a note to self."""
    foreign = re.compile(
        "|".join([r"/(?:wo" + r"rk|ro" + r"ot|Us" + r"ers/\w+)/", r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"])
    )
    found = [
        f"{relative(path)}:{number} {line.strip()[:80]}"
        for path in _texts()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if foreign.search(line)
    ]
    assert found == []


def _texts() -> list[Path]:
    folders = [*CODE, "docs", "docker", ".ci"]
    below = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    beside = [path for path in ROOT.iterdir() if path.is_file() and path.name not in {"LICENSE", ".env", ".git"}]
    return [path for path in [*below, *beside] if path.suffix in TEXT and "__pycache__" not in path.parts]
