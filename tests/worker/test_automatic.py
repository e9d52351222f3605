"""FLUX2_MODEL=auto in a worker: settled before queue, weights and child are named after the model."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from config.settings import WorkerSettings
from flux2 import card
from flux2.card import Card
from flux2.models import REGISTRY
from worker import automatic, gpu_role
from worker import license as terms
from worker.__main__ import main

GB = 10**9
SMALL = Card(
    kind="cuda", name="RTX 4090", total_bytes=25 * GB, free_bytes=24 * GB, capability=(8, 9), count=1,
    main_memory_bytes=64 * GB,
)  # fmt: skip
TINY = SMALL.model_copy(update={"name": "RTX 4060", "free_bytes": 8 * GB})


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The cards of this machine, described: the first is the one that is looked at."""
    cards = [SMALL]
    monkeypatch.setattr(card, "read", lambda device: cards[0])
    return cards


def settings(hf_home: Path, **fields: object) -> WorkerSettings:
    return WorkerSettings.model_validate({"flux2_model": "auto", "hf_home": hf_home, **fields})


def test_the_card_decides_what_the_child_is_told(look: list[Card], tmp_path: Path) -> None:
    """Model, quantisation and offloading reach the outfit, and the queue has a real model's name."""
    look[0] = TINY
    settled = automatic.settle(settings(tmp_path))
    outfit = gpu_role._outfit(settled, REGISTRY[settled.flux2_model])
    assert (outfit.model.name, outfit.quantized, outfit.cpu_offload) == ("klein-4b", "int8", True)


def test_a_licence_has_to_be_accepted_first(look: list[Card], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Until then the best free model is taken, and the log says which command would give a better one."""
    with caplog.at_level(logging.INFO):
        assert automatic.settle(settings(tmp_path)).flux2_model == "klein-4b"
    assert "python -m worker fetch klein-9b" in caplog.text
    assert automatic.settle(settings(tmp_path, flux2_accept_license=True)).flux2_model == "klein-9b"
    terms.accept(REGISTRY["klein-9b"], tmp_path)
    assert automatic.settle(settings(tmp_path)).flux2_model == "klein-9b"


def test_a_named_model_is_left_alone(tmp_path: Path) -> None:
    """Nobody looks at a card that was not asked about."""
    named = settings(tmp_path, flux2_model="sample", flux2_quantization="int8")
    assert automatic.settle(named) is named


def test_what_cannot_be_chosen_ends_the_command_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read on this machine, in a process of its own: the card that was named is not there; torch stays outside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUX2_DEVICE", "cuda:63")
    had_torch = "torch" in sys.modules
    assert main(["fetch", "auto"]) == 1
    assert "There is no device cuda:63 on this machine" in capsys.readouterr().err
    assert ("torch" in sys.modules) is had_torch
