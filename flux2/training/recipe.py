"""The recipes: which batches, in which order, at which rate. Numbers only; nothing runs here (docs/sample-model.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flux2.training.examples import Plan

TOKENS = 6000
"""Tokens of a step, text and references included."""
SEED = 7

_ONLY = {(8, 8): 1.0}
_SIZES = {
    (8, 8): 3.0,
    (4, 4): 0.3,
    (6, 6): 0.5,
    (6, 10): 1.0,
    (10, 6): 1.0,
    (7, 9): 0.5,
    (9, 7): 0.5,
    (12, 12): 1.5,
    (9, 16): 1.0,
    (16, 9): 1.0,
    (16, 16): 2.0,
    (12, 21): 0.5,
    (21, 12): 0.5,
}
_LARGE = {(16, 16): 4.0, (12, 21): 1.0, (21, 12): 1.0, (8, 8): 1.0, (24, 24): 0.5, (18, 32): 0.5, (32, 32): 0.5}


@dataclass(frozen=True)
class Phase:
    """So many steps of one plan. The rate goes linearly from `rate` to `last_rate`."""

    name: str
    steps: int
    plan: Plan
    rate: float = 2e-3
    last_rate: float = 2e-3
    average: float = 0.995
    """Decay of the moving average of the weights."""
    others: float = 1.0
    """Factor of the rate outside the blocks' matrices. Low where a trained model goes on: there AdamW's first steps,
    all in one direction, move the modulation further than the blocks can follow."""


def _closed(kinds: dict[str, float], grids: dict[tuple[int, int], float]) -> Plan:
    return Plan(kinds, grids, TOKENS, hex_share=0.0, free=frozenset())


_CODES = Plan(
    {"one": 0.24, "two": 0.06, "edit": 0.4, "blend": 0.26, "sharpen": 0.04},
    {(8, 8): 0.8, (6, 10): 0.1, (10, 6): 0.1},
    tokens=4608,
    hex_share=0.12,
    free=frozenset(("edit", "blend")),
)
"""What the examination asks for, at the registry's default size and its ratios; references lie anywhere."""
_NAMES = replace(_CODES, hex_share=0.0, reference_hex_share=0.12)
"""The same with named colours only; what a reference shows may have any colour."""

_VALUES = Plan(
    {"one": 0.32, "two": 0.06, "edit": 0.33, "blend": 0.23, "sharpen": 0.06},
    {(8, 8): 0.7, (6, 10): 0.1, (10, 6): 0.1, (7, 9): 0.05, (9, 7): 0.05},
    tokens=4608,
    hex_share=0.25,
)
"""Everything at the default size's ratios, a quarter of the colours by code, what a caption leaves open left open."""
_SHAPES = Plan(
    {"one": 0.53, "two": 0.1, "edit": 0.26, "blend": 0.08, "sharpen": 0.03},
    {(8, 8): 0.84, (6, 10): 0.08, (10, 6): 0.08},
    tokens=4608,
    hex_share=0.25,
    free=frozenset(("edit", "blend", "sharpen")),
)
"""Half of it one object, as the first weights had it: colours and references are learned by then, shapes lag behind."""
_EDITS = replace(_SHAPES, kinds={"one": 0.38, "two": 0.08, "edit": 0.42, "blend": 0.08, "sharpen": 0.04})
_POLISH = replace(
    _SHAPES,
    kinds={"one": 0.37, "two": 0.12, "edit": 0.39, "blend": 0.08, "sharpen": 0.04},
    grids={(8, 8): 0.76, (6, 10): 0.12, (10, 6): 0.12},
)

_SOME_SIZES = {
    (8, 8): 0.36,
    (6, 10): 0.09,
    (10, 6): 0.09,
    (7, 9): 0.03,
    (9, 7): 0.03,
    (12, 12): 0.11,
    (9, 16): 0.06,
    (16, 9): 0.06,
    (16, 16): 0.17,
}
_ALL_SIZES = {
    **_SOME_SIZES,
    (24, 24): 0.01,
    (12, 21): 0.01,
    (21, 12): 0.01,
    (18, 32): 0.01,
    (32, 18): 0.01,
    (32, 32): 0.01,
}
_EVERYTHING = Plan(
    {"one": 0.25, "two": 0.12, "edit": 0.47, "blend": 0.09, "sharpen": 0.07},
    _SOME_SIZES,
    tokens=4500,
    hex_share=0.25,
    spread=0.4,
    edits={"colour": 1.5, "shape": 3.5, "ground": 1, "size": 3.5, "place": 4.5},
    by_name=True,
)
"""All capabilities in several sizes; what a caption leaves open varies a little, so that seeds differ."""
_FINISH = replace(
    _EVERYTHING,
    kinds={"one": 0.27, "two": 0.15, "edit": 0.43, "blend": 0.09, "sharpen": 0.06},
    grids={**_ALL_SIZES, (8, 8): 0.45, (6, 10): 0.1, (10, 6): 0.1, (12, 12): 0.08},
)
"""The default size and its ratios more often again, for outlines."""

FOUNDATION = (
    Phase("draw", 940, _closed({"one": 1.0}, _ONLY), rate=2e-3, last_rate=1e-3),
    Phase(
        "mix",
        3374,
        _closed({"one": 0.35, "two": 0.22, "edit": 0.3, "blend": 0.13}, _ONLY),
        rate=1.5e-3,
        last_rate=3e-5,
        average=0.997,
    ),
)
"""From nothing: one object, then everything. `--init` with a model that has this behind it leaves it out."""

RECIPES: dict[str, tuple[Phase, ...]] = {
    "foundation": (),
    "steady": (
        Phase("words", 100, _CODES, rate=3e-4, last_rate=2.71e-4, average=0.99, others=0.2),
        Phase("search", 203, _CODES, rate=5e-4, last_rate=3.72e-4, average=0.99, others=0.12),
        Phase("names", 295, _NAMES, rate=3.72e-4, last_rate=1.87e-4, average=0.995, others=0.12),
        Phase("settle", 150, _NAMES, rate=1.87e-4, last_rate=5e-6, average=0.99, others=0.12),
    ),
    "codes": (
        Phase("words", 100, _VALUES, rate=2e-4, last_rate=8e-4, average=0.99, others=0.3),
        Phase("learn", 200, _VALUES, rate=6e-4, last_rate=6e-4, average=0.997, others=0.5),
        Phase("settle", 362, _VALUES, rate=6e-4, last_rate=3.7e-4, average=0.995, others=0.5),
        Phase("shapes", 182, _SHAPES, rate=5e-4, last_rate=3.78e-4, average=0.993, others=0.4),
        Phase("edits", 256, _EDITS, rate=3.78e-4, last_rate=2.07e-4, average=0.993, others=0.4),
        Phase("polish", 400, _POLISH, rate=2.07e-4, last_rate=5e-6, average=0.993, others=0.4),
    ),
    "sizes": (
        Phase("learn", 2000, _EVERYTHING, rate=1e-3, last_rate=1e-3, average=0.998, others=0.4),
        Phase("large", 1600, replace(_EVERYTHING, grids=_ALL_SIZES), 1e-3, last_rate=5.6e-4, average=0.997, others=0.4),
        Phase("settle", 1800, _FINISH, rate=5.6e-4, last_rate=5e-6, average=0.995, others=0.4),
    ),
    "wide": (
        Phase(
            "sizes",
            12000,
            Plan({"one": 0.36, "two": 0.12, "edit": 0.38, "blend": 0.09, "sharpen": 0.05}, _SIZES, 4 * TOKENS),
            rate=1e-3,
            last_rate=1e-3,
            average=0.998,
        ),
        Phase(
            "large",
            8000,
            Plan({"one": 0.36, "two": 0.12, "edit": 0.38, "blend": 0.09, "sharpen": 0.05}, _LARGE, 4 * TOKENS),
            rate=1e-3,
            last_rate=1e-5,
            average=0.998,
        ),
    ),
}
"""What follows the foundation. The weights in flux2/sample went through "steady", "codes" and "sizes", as
docs/sample-model.md says. "wide" goes on with all of it and wants a GPU: not run to its end yet."""


def phases(recipe: str, *, from_nothing: bool) -> tuple[Phase, ...]:
    """The phases of a recipe, with the foundation where a run starts from nothing."""
    return (FOUNDATION if from_nothing else ()) + RECIPES[recipe]
