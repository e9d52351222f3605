"""The shipped model's recipe: which batches, in which order, at which rate. Numbers only; nothing runs here."""

from __future__ import annotations

from dataclasses import dataclass

from flux2.training.examples import Plan

TOKENS = 6000
"""Tokens of a step, text and references included."""
SEED = 7

_GRIDS = {
    (8, 8): 5.0,
    (6, 6): 0.5,
    (6, 8): 0.5,
    (8, 6): 0.5,
    (6, 10): 1.0,
    (10, 6): 1.0,
    (10, 10): 0.5,
    (12, 12): 1.0,
    (9, 16): 0.5,
    (16, 9): 0.5,
}


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


PHASES = (
    Phase(
        "gentle",
        900,
        Plan({"one": 0.36, "two": 0.1, "edit": 0.4, "blend": 0.09, "sharpen": 0.05}, _GRIDS, TOKENS),
        rate=4e-4,
        last_rate=1e-5,
    ),
)
