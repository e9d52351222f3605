"""FLUX2_MODEL=auto: which model, how its weights are kept, and where, for one card; why, and what would be better.

A decision over a described card, torch-free. Chosen is the best model that stays whole on the card, since moving parts
of it for every picture costs more than a larger model gains; offloading is for cards on which nothing stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flux2.card import Card
from flux2.errors import CheckpointUnavailable
from flux2.models import REGISTRY, Model, Quantization

AUTO = "auto"

_GB = 1e9
_RESERVE = 1.05
"""Memory an allocator cannot use because it is in pieces."""
_MAIN_MEMORY_RESERVE = 4.0
"""GB for the system and for what is not weights."""
_BFLOAT16 = (8, 0)
"""First compute capability that multiplies bfloat16 in hardware; before it, every step takes many times as long."""


class _Size(NamedTuple):
    """GB of one model: published parameter counts times their bytes, and what a 1024 x 1024 picture takes besides."""

    transformer: float
    encoder: float
    besides: float


_SIZES: dict[tuple[str, Quantization], _Size] = {
    ("dev", "none"): _Size(64.4, 48.0, 8.2),
    ("dev", "int8"): _Size(32.2, 24.9, 8.2),
    ("klein-9b", "none"): _Size(18.2, 16.4, 3.2),
    ("klein-9b", "int8"): _Size(9.1, 9.4, 3.2),
    ("klein-4b", "none"): _Size(7.8, 8.0, 2.2),
    ("klein-4b", "int8"): _Size(3.9, 4.4, 2.2),
}


@dataclass(frozen=True)
class Route:
    """One way to draw."""

    model: Model
    quantization: Quantization
    cpu_offload: bool

    @property
    def card_gb(self) -> float:
        """What it takes on the card."""
        size = self._size
        weights = max(size[:2]) if self.cpu_offload else sum(size[:2])
        return (weights + size.besides) * _RESERVE

    @property
    def main_memory_gb(self) -> float:
        """What it takes of the main memory, through which the weights pass when they are loaded."""
        return sum(self._size[:2]) + _MAIN_MEMORY_RESERVE

    @property
    def words(self) -> str:
        """`klein-9b in int8`."""
        return f"{self.model.name} in {'bfloat16' if self.quantization == 'none' else self.quantization}"

    @property
    def settings(self) -> str:
        """What an operator sets to have it."""
        asked = {"FLUX2_MODEL": self.model.name, "FLUX2_QUANTIZATION": self.quantization, "FLUX2_CPU_OFFLOAD": "true"}
        return " ".join(f"{name}={value}" for name, value in asked.items() if value != "none")

    @property
    def _size(self) -> _Size:
        return _SIZES[self.model.name, self.quantization]


def _routes(name: str, *, offload: bool) -> tuple[Route, ...]:
    return tuple(Route(REGISTRY[name], how, offload) for how in ("none", "int8"))


_WHOLE = (*_routes("dev", offload=False), *_routes("klein-9b", offload=False), *_routes("klein-4b", offload=False))
_ROUTES = (*_WHOLE, *_routes("klein-4b", offload=True))
"""Best first."""
_SLOWER = (*_routes("dev", offload=True), *_routes("klein-9b", offload=True))
"""Never chosen, but named where they would go."""
_NAMED = 2
"""So many things that would be better are named, the nearest first."""


@dataclass(frozen=True)
class Fit:
    """What was chosen for a card."""

    card: Card
    route: Route
    better: tuple[str, ...]

    @property
    def words(self) -> str:
        """One or two sentences for the operator: what, why, and what would be better."""
        card, route = self.card, self.route
        how = "its parts in main memory until they are needed" if route.cpu_offload else "whole on the card"
        free = f"{card.free_bytes / _GB:.0f} of {card.total_bytes / _GB:.0f} GB free"
        says = f"{AUTO} means {route.words}, {how}: it takes {route.card_gb:.0f} GB, and {card.name} has {free}."
        return f"{says} Better would be {'; or '.join(self.better)}." if self.better else says


def fit(card: Card, may_use: Callable[[Model], bool]) -> Fit:
    """Choose for `card` among the models whose licence lets us: `may_use` is asked for non-commercial ones.

    Raises CheckpointUnavailable with a sentence where nothing fits.
    """
    if card.kind == "none":
        raise CheckpointUnavailable(
            f"{AUTO} finds no graphics card, and without one even klein-4b takes minutes for a picture: name a model "
            "to draw on the CPU all the same (klein-4b), or to try things out (sample)."
        )
    possible = [route for route in _ROUTES if _is_possible(route, card)]
    for place, route in enumerate(possible):
        if not _lack(route, card) and (not route.model.non_commercial or may_use(route.model)):
            return Fit(card, route, tuple(_better(possible[:place], route, card)))
    least = possible[-1]
    raise CheckpointUnavailable(f"{AUTO} finds no model for {card.name}: {least.words} needs {_lack(least, card)}.")


def _better(refused: Sequence[Route], chosen: Route, card: Card) -> Iterator[str]:
    """What would be better, and what it needs."""
    wanted: dict[str, Route] = {}
    for route in refused:
        # Of the ways to have a model whole, the first that fits and lacks but the licence, else the least demanding.
        known = wanted.get(route.model.name)
        if not route.cpu_offload and (known is None or _lack(known, card)):
            wanted[route.model.name] = route
    for name, route in list(reversed(wanted.items()))[:_NAMED]:
        lack = _lack(route, card)
        slower = next((one for one in _SLOWER if one.model.name == name and _goes(one, card)), None)
        if not lack:
            yield f"{route.words}, which needs its licence accepted (python -m worker fetch {name})"
        elif slower is not None and name != chosen.model.name:
            yield f"{name}, if moving its parts for every picture is worth it ({slower.settings})"
        else:
            whole = " whole" if route.words == chosen.words else ""
            yield f"{route.words}{whole}, which needs {lack}"
    if card.kind == "cuda" and not card.quantizes:
        yield "int8 weights in half the memory, which need torchao (pip install torchao)"
    if card.count > 1:
        yield f"a worker for each of the {card.count} cards (FLUX2_DEVICE=cuda:0, cuda:1 …): one worker uses one"


def _is_possible(route: Route, card: Card) -> bool:
    """Whether enough memory would do; on Apple's cards int8 is untried and there is no other memory to offload to."""
    if card.kind == "mps":
        return route.model.name != "dev" and route.quantization == "none" and not route.cpu_offload
    is_fast = card.capability is None or card.capability >= _BFLOAT16 or route.model.name == "klein-4b"
    return is_fast and (route.quantization == "none" or card.quantizes)


def _goes(route: Route, card: Card) -> bool:
    return _is_possible(route, card) and not _lack(route, card)


def _lack(route: Route, card: Card) -> str:
    """The memory that is missing for `route`; nothing if it is there."""
    if card.free_bytes < route.card_gb * _GB:
        held = card.total_bytes - card.free_bytes
        by_others = f" ({held / _GB:.0f} GB are taken)" if card.total_bytes >= route.card_gb * _GB else ""
        return f"{route.card_gb:.0f} GB of free GPU memory{by_others}"
    if card.main_memory_bytes < route.main_memory_gb * _GB:
        return f"{route.main_memory_gb:.0f} GB of main memory"
    return ""
