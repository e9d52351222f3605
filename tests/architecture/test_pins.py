"""What is installed is what is pinned."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def _pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text().splitlines()
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines if not line.startswith("#")}


def _needed(name: str, extras: frozenset[str]) -> set[str]:
    """Names of every distribution that `name` with `extras` pulls in on this machine."""
    seen: set[tuple[str, frozenset[str]]] = set()
    open_ = [(canonicalize_name(name), extras)]
    while open_:
        node = open_.pop()
        if node in seen:
            continue
        seen.add(node)
        for line in metadata.distribution(node[0]).requires or []:
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {*node[1], ""}):
                open_.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return {found for found, _ in seen}


def test_everything_the_demo_and_the_tests_need_is_pinned(root: Path) -> None:
    """A fresh clone gets the versions the suite passed with, down to the last dependency."""
    needed = _needed("flux2-discord-bot", frozenset({"test"})) - {"flux2-discord-bot", "setuptools", "pip"}
    assert len(needed) > 50
    assert needed - set(_pins(root)) == set()


def test_the_suite_runs_on_the_pinned_versions(root: Path) -> None:
    """No green run hides a version nobody else gets; a build tag such as +cpu does not count."""
    pins = _pins(root)
    needed = _needed("flux2-discord-bot", frozenset({"test"})) & set(pins)
    installed = {name: Version(metadata.version(name)).public for name in needed}
    assert installed == {name: pins[name] for name in needed}


def test_torch_and_torchvision_are_a_pair(root: Path) -> None:
    """torchvision 0.n is built for torch 2.(n-15); a mixed pair breaks every import of transformers."""
    pins = _pins(root)
    torch, torchvision = (int(re.split(r"\.", pins[name])[1]) for name in ("torch", "torchvision"))
    assert torchvision == torch + 15


def test_the_bots_own_requirements_leave_torch_out() -> None:
    """`pip install .[bot,io]` brings no model libraries."""
    needed = _needed("flux2-discord-bot", frozenset({"bot", "io"}))
    assert needed.isdisjoint({"torch", "torchvision", "diffusers", "transformers", "accelerate", "numpy"})


@pytest.mark.xdist_group("pins")
def test_groups_of_tests_stay_together(request: pytest.FixtureRequest) -> None:
    """pytest-xdist writes a group into the ids of its tests; where it cannot, those that share a stack scatter."""
    is_parallel = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@pins") is is_parallel
