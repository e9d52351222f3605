"""docs/parameters.md: complete, current, and true of the code it speaks of."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import pkgutil
import sys
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands

import bot.commands
from config.settings import BotSettings, DeliverySettings, WorkerSettings
from flux2 import __main__ as terminal
from flux2.models import HOSTED
from flux2.terminal import settings as session

DOCUMENTED = {
    "CLI": {
        "prompt", "seed", "width", "height", "num_steps", "guidance", "input_images", "match_image_size",
        "upsample_prompt_mode", "openrouter_model", "OPENROUTER_API_KEY", "single_eval", "debug_mode", "cpu_offloading",
        "run", "show", "reset", "help", "quit",
    },
    "Together": {
        "model", "prompt", "width", "height", "seed", "prompt_upsampling", "output_format", "reference_images",
        "steps", "guidance", "scene", "subjects[]", "subjects[].type", "subjects[].description", "subjects[].pose",
        "subjects[].position", "subjects[].color_palette[]", "style", "color_palette[]", "lighting", "mood",
        "background", "composition", "camera.angle", "camera.distance", "camera.focus", "camera.lens",
        "camera.f-number", "camera.ISO", "effects[]", "data[].url",
    },
    "fal": {
        "image_url", "upscale_factor", "seed", "creativity", "guidance", "steps", "enable_safety_checker", "image.url",
        "image.width", "image.height", "image.file_size", "image.content_type", "seed (answer)", "timings", "caption",
    },
    "Lumenfall": {
        "model", "image", "prompt", "size", "n", "response_format", "style", "quality", "revised_prompt", "data[].url",
    },
    "Workbench": {
        "prompt", "input_image", "aspect_ratio", "resolution", "num_inference_steps", "guidance", "seed",
        "output_format", "output_quality", "disable_safety_checker",
    },
}  # fmt: skip
"""What each source documents, written down from it and not from our page."""


@pytest.fixture(scope="module")
def page(root: Path) -> Any:
    """docs/parameters.py."""
    spec = importlib.util.spec_from_file_location("parameters", root / "docs/parameters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["parameters"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def rows(page: Any) -> list[Any]:
    """Every row of every section."""
    return [row for section in page.SECTIONS.values() for row in section]


def registered() -> dict[str, set[str]]:
    """`/command` -> its options."""

    async def load() -> list[Any]:
        client = commands.Bot(command_prefix="!", intents=discord.Intents.none())
        for module in pkgutil.iter_modules(bot.commands.__path__):
            await client.load_extension(f"{bot.commands.__name__}.{module.name}")
        return list(client.tree.walk_commands())

    found = asyncio.run(load())
    return {
        f"/{one.qualified_name}": {option.name for option in one.parameters}
        for one in found
        if isinstance(one, app_commands.Command)
    }


def test_the_page_is_what_the_code_says(page: Any) -> None:
    """Defaults and ranges change in the code first; then `python docs/parameters.py` writes the page."""
    assert page.PAGE.read_text() == page.page(), "run python docs/parameters.py"


@pytest.mark.parametrize("source", DOCUMENTED)
def test_every_documented_parameter_has_a_row(page: Any, source: str) -> None:
    """Nothing that a source names is left out, or said twice in two ways."""
    named = [name for row in rows(page) for name in row.there.get(source, "").split(", ") if name]
    assert set(named) >= DOCUMENTED[source]
    assert len(named) == len(set(named))


def test_a_row_is_proven_or_waits(page: Any, root: Path) -> None:
    """Each row names a test that exists, or what has to come first."""
    for row in rows(page):
        assert row.test or row.waits, row
        if row.test:
            path, _, name = row.test.partition("::")
            nodes = ast.walk(ast.parse((root / path).read_text()))
            tests = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in tests, row.test


def test_every_place_a_row_names_is_there(page: Any, root: Path) -> None:
    """Commands have the option, verbs the flag, sessions the name, and settings exist."""
    options = registered()
    written = "".join(path.read_text() for path in sorted((root / "flux2/terminal").glob("*.py")))
    verbs = terminal._parser().format_help() + written
    known = {name for kind in (BotSettings, WorkerSettings, DeliverySettings) for name in kind.model_fields}
    for row in rows(page):
        for place in row.reach if not row.waits else ():
            what, _, name = place.partition(" ")
            match what:
                case "flag":
                    assert name in verbs, place
                case "session":
                    assert name in session._READERS, place
                case "setting":
                    assert name.lower() in known, place
                case "menu":
                    assert f'name=N_("{name}")' in "".join(
                        path.read_text() for path in (root / "bot/menus").glob("*.py")
                    )
                case "button" | "reply" | "message":
                    pass
                case _:
                    assert what in options, place
                    assert not name or name in options[what], place


def test_hosted_models_are_marked_as_waiting(page: Any) -> None:
    """Their table stands under a sentence that says so."""
    text = page.page()
    assert f"drawing with them {page.HOSTS}" in text
    assert all(f"| `{name}` |" in text.split("## Hosted models")[1] for name in HOSTED)
