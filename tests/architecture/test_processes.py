"""What each process loads, seen by a fresh interpreter in which the forbidden libraries cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MODEL_LIBRARIES = ("torch", "torchvision", "diffusers", "transformers", "accelerate", "safetensors", "numpy")
CONTRACT = ("worker.contract",)
VALUES = (
    "flux2.card",
    "flux2.errors",
    "flux2.fit",
    "flux2.models",
    "flux2.prompting.**",
    "flux2.request",
    "flux2.sizing",
)

_PROGRAM = """
import importlib, pkgutil, sys

blocked, names = sys.argv[1].split(","), sys.argv[2].split(",")

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, Absent())
for name in names:
    if name.endswith(".**"):
        package = importlib.import_module(name[:-3])
        found = [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
        for module in found:
            if ".migrations" not in module:
                importlib.import_module(module)
    else:
        importlib.import_module(name)
print(len(sys.modules))
"""


def imports(root: Path, names: tuple[str, ...], without: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Import `names` (`package.**`: all its modules) where the libraries `without` are not installed."""
    command = [sys.executable, "-c", _PROGRAM, ",".join(without), ",".join(names)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_an_absent_library_would_be_noticed(root: Path) -> None:
    """The other tests of this file can fail."""
    done = imports(root, ("flux2.engine",), MODEL_LIBRARIES)
    assert done.returncode == 1
    assert "is not installed here" in done.stderr


def test_the_bot_runs_without_torch(root: Path) -> None:
    """Every module of the bot loads where no model library is installed, lazy imports at module level included."""
    done = imports(root, ("bot.**",), MODEL_LIBRARIES)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", VALUES)
def test_the_values_of_flux2_need_nothing_heavy(root: Path, module: str) -> None:
    """Requests, sizes, models and errors load without torch, Pillow, Redis or Discord."""
    done = imports(root, (module,), (*MODEL_LIBRARIES, "PIL", "redis", "rq", "discord", "pydantic_settings"))
    assert done.returncode == 0, done.stderr


def test_the_wire_needs_nothing_but_values(root: Path) -> None:
    """The contract loads without Redis, RQ, Discord or torch."""
    done = imports(root, CONTRACT, (*MODEL_LIBRARIES, "PIL", "redis", "rq", "discord", "sqlalchemy", "httpx"))
    assert done.returncode == 0, done.stderr


def test_the_fence_needs_only_redis(root: Path) -> None:
    """What the bot shares with the workers loads without RQ, Discord or torch."""
    done = imports(root, ("worker.fence", "worker.blobs"), (*MODEL_LIBRARIES, "rq", "discord", "sqlalchemy"))
    assert done.returncode == 0, done.stderr


def test_the_gpu_parent_needs_neither_torch_nor_discord(root: Path) -> None:
    """The process that holds the lease never touches CUDA, and a GPU host has no use for the bot's library or token."""
    modules = ("worker.__main__", "worker.gpu_role", "worker.gpu", "worker.keeper", "worker.resident", "worker.fetch")
    done = imports(root, modules, (*MODEL_LIBRARIES, "discord", "sqlalchemy"))
    assert done.returncode == 0, done.stderr


def test_the_gpu_child_needs_no_discord(root: Path) -> None:
    """Rendering loads where discord.py is not installed."""
    done = imports(root, ("worker.child", "worker.tasks.render"), ("discord", "sqlalchemy"))
    assert done.returncode == 0, done.stderr


def test_delivery_needs_no_torch(root: Path) -> None:
    """`worker --role io` runs where no model library is installed."""
    modules = ("worker.__main__", "worker.lanes", "worker.lane", "worker.delivery", "worker.tasks.deliver")
    done = imports(root, modules, (*MODEL_LIBRARIES, "sqlalchemy"))
    assert done.returncode == 0, done.stderr
