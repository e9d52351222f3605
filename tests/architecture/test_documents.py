"""README, ARCHITECTURE, CHANGELOG, docs and .env.example say what the code does."""

from __future__ import annotations

import ast
import asyncio
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import bot.commands
from config.settings import BotSettings, DeliverySettings, WorkerSettings
from flux2.models import REGISTRY

PROCESSES = {"bot": BotSettings, "gpu": WorkerSettings, "io": DeliverySettings}
IO_IGNORES = set(WorkerSettings.model_fields) - set(BotSettings.model_fields) | {"flux2_model"}
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/models.md",
    "docs/operating.md",
    "docs/reliability.md",
)
COMPOSE_ONLY = {"REDIS_BOT_PASSWORD", "REDIS_WORKER_GPU_PASSWORD", "REDIS_WORKER_IO_PASSWORD", "GPU"}


def fields() -> dict[str, FieldInfo]:
    """Every setting of every process."""
    return {name: field for settings in PROCESSES.values() for name, field in settings.model_fields.items()}


def default(field: FieldInfo) -> str:
    """A default as it is written in an environment file."""
    match field.default:
        case SecretStr() as secret:
            return secret.get_secret_value()
        case bool() as flag:
            return str(flag).lower()
        case float() as number:
            return f"{number:g}"
        case None:
            return ""
        case other:
            return "" if field.is_required() else str(other)


def table(text: str, name: str) -> list[list[str]]:
    """Cells of the table between `<!-- name -->` and the next blank line, without its head."""
    (body,) = re.findall(rf"<!-- {name}[^\n]*-->\n(.*?)\n(?:\n|$)", text, re.DOTALL)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()]
    return rows[2:]


def registered() -> dict[str, str]:
    """`/command` or `/group subcommand` -> description, as the bot registers them."""

    async def load() -> list[Any]:
        client = commands.Bot(command_prefix="!", intents=discord.Intents.none())
        for module in pkgutil.iter_modules(bot.commands.__path__):
            await client.load_extension(f"{bot.commands.__name__}.{module.name}")
        return list(client.tree.walk_commands())

    found = asyncio.run(load())
    return {f"/{c.qualified_name}": c.description for c in found if isinstance(c, app_commands.Command)}


def test_the_readme_lists_every_command(root: Path) -> None:
    """The table of commands is what the bot registers, words included."""
    rows = table((root / "README.md").read_text(), "commands")
    assert {row[0].strip("`"): row[1] for row in rows} == registered()


def _reader(name: str) -> str:
    readers = [p for p, s in PROCESSES.items() if name in s.model_fields and not (p == "io" and name in IO_IGNORES)]
    return "all" if len(readers) == len(PROCESSES) else ", ".join(readers)


def test_the_readme_lists_every_setting(root: Path) -> None:
    """The table of settings has each one's default, readers and description from config/settings.py."""
    rows = table((root / "README.md").read_text(), "settings")
    expected = [
        [f"`{name.upper()}`", f"`{value}`" if (value := default(field)) else "", _reader(name), field.description or ""]
        for name, field in fields().items()
    ]
    assert sorted(rows) == sorted(expected)


def test_the_example_environment_lists_every_setting_once(root: Path) -> None:
    """Copying .env.example shows all there is to set, and leaving a line as it is changes nothing."""
    lines = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", (root / ".env.example").read_text(), re.MULTILINE)
    names = [name for name, _ in lines]
    assert len(names) == len(set(names))
    assert {name: value for name, value in lines if name not in COMPOSE_ONLY} == {
        name.upper(): default(field) for name, field in fields().items()
    }


def test_every_setting_has_a_description() -> None:
    """Nobody has to read code to learn what a setting does."""
    assert [name for name, field in fields().items() if not field.description] == []


def test_the_table_of_models_is_the_registry(root: Path) -> None:
    """docs/models.md states repository, licence, steps, guidance and references as the code uses them."""
    rows = table((root / "docs/models.md").read_text(), "models")
    expected = [
        [
            f"`{model.name}`",
            f"`{model.source}`",
            model.license + (", token needed" if model.gated else ""),
            str(model.default_steps) if model.has_fixed_steps else f"{model.default_steps} (up to {model.max_steps})",
            "fixed" if model.default_guidance is None else f"{model.default_guidance:g}",
            str(model.max_references),
        ]
        for model in REGISTRY.values()
    ]
    assert rows == expected


def test_the_changelog_speaks_of_this_version(root: Path) -> None:
    """A release is not tagged before operators can read what changed."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert f"flux2-bot/bot:{version}" in (root / "docker-compose.yml").read_text()


def _invariants(root: Path) -> list[str]:
    text = (root / "ARCHITECTURE.md").read_text()
    (section,) = re.findall(r"^## Invariants\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    return re.split(r"^- ", section, flags=re.MULTILINE)[1:]


def test_every_invariant_names_its_guard(root: Path) -> None:
    """An invariant of ARCHITECTURE.md names a test, or an import contract, that exists."""
    invariants = _invariants(root)
    assert len(invariants) >= 10
    contracts = {
        c["id"] for c in tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    }
    for invariant in invariants:
        guards = re.findall(r"`(tests/[\w/.]+\.py)::(\w+)`", invariant)
        rules = re.findall(r"`lint-imports ([\w-]+)`", invariant)
        assert guards or rules, invariant
        assert set(rules) <= contracts, invariant
        for path, name in guards:
            assert name in _tests_in(root / path), f"{path}::{name}"


def _tests_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_architecture_stays_short(root: Path) -> None:
    """Under 150 lines, or nobody reads it."""
    assert len((root / "ARCHITECTURE.md").read_text().splitlines()) < 150


@pytest.mark.parametrize(
    "name",
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/operating.md", "docs/models.md", "docs/reliability.md"],
)
def test_documents_name_files_that_exist(root: Path, name: str) -> None:
    """A path in backquotes or in a link leads somewhere."""
    text = (root / name).read_text()
    quoted = re.findall(r"`((?:bot|worker|flux2|config|sandbox|tests|docs|docker|benchmarks)/[\w./-]*)`", text)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [path for path in quoted if not (root / path).exists()]
    missing += [path for path in linked if not (root / name).parent.joinpath(path).exists()]
    assert missing == []


def test_every_fault_has_a_test(root: Path) -> None:
    """Each test that docs/reliability.md names stands in the file it names."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (root / "docs/reliability.md").read_text())
    assert len(named) > 30
    assert [f"{path}::{name}" for path, name in named if name not in _tests_in(root / path)] == []


def test_documents_name_verbs_that_exist(root: Path) -> None:
    """Each `make verb` in the documents is one of the Makefile's."""
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (root / "Makefile").read_text(), re.MULTILINE))
    for name in DOCUMENTS:
        named = re.findall(r"`make ([a-z-]+)`|^    make ([a-z-]+)", (root / name).read_text(), re.MULTILINE)
        assert {quoted or typed for quoted, typed in named} <= verbs, name
