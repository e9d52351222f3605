"""flux2.fit: what auto chooses for which card, and what it says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flux2.card import Card
from flux2.errors import CheckpointUnavailable
from flux2.fit import Route, fit
from flux2.models import Model

GIB = 2**30
OPENED = GIB // 2
"""What a process takes by opening a CUDA card."""


def gpu(gib: int, **fields: Any) -> Card:
    """A card with so much memory, free but for what opening it takes, in a machine that has enough itself."""
    given = {
        "kind": "cuda",
        "name": f"a card of {gib} GB",
        "total_bytes": gib * GIB,
        "free_bytes": gib * GIB - OPENED,
        "capability": (8, 9),
        "count": 1,
        "main_memory_bytes": 256 * GIB,
    }
    return Card.model_validate(given | fields)


def accepts(_: Model) -> bool:
    """Every licence was accepted."""
    return True


def refuses(_: Model) -> bool:
    """None was."""
    return False


def shown(route: Route) -> str:
    """A choice as docs/models.md writes it."""
    quantized = "" if route.quantization == "none" else f" {route.quantization}"
    return f"{route.model.name}{quantized}{', offloaded' if route.cpu_offload else ''}"


def chosen(card: Card, may_use: Callable[[Model], bool] = accepts) -> str:
    try:
        return shown(fit(card, may_use).route)
    except CheckpointUnavailable:
        return "none"


def _documented() -> list[list[str]]:
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    rows = text.partition("<!-- auto")[2].partition("\n\n")[0].splitlines()[3:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize("row", _documented(), ids=lambda row: row[0])
def test_each_card_gets_what_the_document_says(row: list[str]) -> None:
    """docs/models.md is what the code does, with licences and without."""
    card = gpu(int(row[0].split()[0]))
    assert [chosen(card), chosen(card, refuses)] == row[1:]


OTHERS: dict[str, tuple[Card, str]] = {
    "little main memory": (gpu(24, main_memory_bytes=16 * GIB), "klein-4b int8"),
    "hardly any": (gpu(24, main_memory_bytes=8 * GIB), "none"),
    "shared with others": (gpu(24, free_bytes=16 * GIB), "klein-4b int8"),
    "no bfloat16": (gpu(24, capability=(7, 5)), "klein-4b"),
    "no torchao, 12 GB": (gpu(12, quantizes=False), "klein-4b, offloaded"),
    "no torchao, 8 GB": (gpu(8, quantizes=False), "none"),
    "no torchao, 80 GB": (gpu(80, quantizes=False), "klein-9b"),
    "Apple, 16 GB": (gpu(11, kind="mps", capability=None), "none"),
    "Apple, 32 GB": (gpu(22, kind="mps", capability=None), "klein-4b"),
    "Apple, 192 GB": (gpu(144, kind="mps", capability=None), "klein-9b"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_not_the_cards_size_alone(name: str) -> None:
    """Main memory, other programs, old cards, missing libraries and Apple's cards each change the choice."""
    card, expected = OTHERS[name]
    assert chosen(card) == expected


@pytest.mark.parametrize("gib", range(1, 200, 3))
def test_what_is_chosen_has_room(gib: int) -> None:
    """No choice takes more than is free, and more memory never gives a lesser model."""
    order = ("none", "klein-4b", "klein-9b", "dev")
    found, larger = (chosen(gpu(size)).split(" ")[0].strip(",") for size in (gib, gib + 3))
    assert order.index(found) <= order.index(larger)
    if found != "none":
        card = gpu(gib)
        assert fit(card, accepts).route.card_gb * 1e9 <= card.free_bytes


def test_the_operator_reads_what_why_and_what_would_be_better() -> None:
    """The sentence names the choice, its size, the card, and the next steps, nearest first."""
    assert fit(gpu(24, name="NVIDIA GeForce RTX 4090"), refuses).words == (
        "auto means klein-4b in bfloat16, whole on the card: it takes 19 GB, and NVIDIA GeForce RTX 4090 has 25 of "
        "26 GB free. Better would be klein-9b in int8, which needs its licence accepted (python -m worker fetch "
        "klein-9b); or dev in int8, which needs 69 GB of free GPU memory."
    )


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (gpu(8), "klein-4b in int8 whole, which needs 11 GB of free GPU memory"),
        (gpu(24, free_bytes=16 * GIB), "needs 19 GB of free GPU memory (9 GB are taken)"),
        (gpu(24, main_memory_bytes=16 * GIB), "klein-4b in bfloat16, which needs 20 GB of main memory"),
        (gpu(48), "FLUX2_MODEL=dev FLUX2_QUANTIZATION=int8 FLUX2_CPU_OFFLOAD=true"),
        (gpu(24, count=2), "a worker for each of the 2 cards"),
        (gpu(12, quantizes=False), "pip install torchao"),
    ],
)
def test_what_would_be_better_is_named(card: Card, words: str) -> None:
    """Memory, other programs, main memory, patience, a second worker, a library: each has its words."""
    assert words in fit(card, accepts).words


def test_the_best_machine_needs_nothing() -> None:
    """On a card that holds everything nothing better is named."""
    assert fit(gpu(141), accepts).better == ()


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (gpu(6), "klein-4b in int8 needs 7 GB of free GPU memory"),
        (Card(kind="none", main_memory_bytes=64 * GIB), "finds no graphics card.*klein-4b.*sample"),
    ],
)
def test_where_nothing_fits_it_says_so(card: Card, words: str) -> None:
    """No model is forced onto a card, and none is drawn with on a CPU unasked."""
    with pytest.raises(CheckpointUnavailable, match=words):
        fit(card, accepts)
