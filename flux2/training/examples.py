"""Turns random scenes into training batches of one size and one kind. Declines to know the transformer."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn import functional

from flux2.training.captions import BLENDS, Instruction, blend, called_by_name, caption, edit
from flux2.training.latents import REDUCTION, TOKEN, reduced, tokens_of
from flux2.training.scenes import Scene, draw, is_held_out, random_pair, random_scene
from flux2.training.text import Words
from flux2.training.transformer import FILL, FULL_TEXT, TEXT_ROOM, Batch

REFERENCE_NOISE = 0.02
"""Noise on references, in picture units: the real encoder only comes close to the reduced picture."""
REFERENCE_TOKENS = 64
"""Most tokens of a reference: flux2.conditioning reduces larger ones to the registry's max_reference_pixels."""
EDIT_WEIGHTS: dict[str, float] = {"colour": 3, "shape": 5, "ground": 2, "size": 2, "place": 2}
FULL_SHARE = 0.4
"""Share of steps whose text is padded to the pipeline's full length; the others to anything up to 128."""


@dataclass(frozen=True)
class Plan:
    """What a phase's batches are made of: weights of kinds and of grids (rows, columns), and their size in tokens."""

    kinds: dict[str, float]
    grids: dict[tuple[int, int], float]
    tokens: int
    hex_share: float = 0.3
    """Share of colours that a caption or an instruction gives as hex codes."""
    reference_hex_share: float | None = None
    """Share of unnamed colours in references; None: as in the words."""
    free: frozenset[str] = frozenset(("one", "two", "edit", "blend", "sharpen"))
    """Kinds in which what a caption leaves open varies; in the others it is medium and centred."""
    spread: float = 1.0
    """How much of it varies in what captions alone describe, of 1. References always vary whole."""
    edits: dict[str, float] = field(default_factory=EDIT_WEIGHTS.copy)
    """Weights of the kinds of edits."""

    by_name: bool = False
    """Whether instructions name the object in half of the cases where they would call it "it"."""

    def freedom(self, kind: str) -> float:
        """How much of what is left open varies in batches of that kind, of 1."""
        if kind not in self.free:
            return 0.0
        return 1.0 if kind in ("edit", "blend") else self.spread


def proportions(grid: tuple[int, int]) -> tuple[float, float]:
    """(wide, high) of a grid in units of its shorter side."""
    rows, columns = grid
    short = min(grid)
    return columns / short, rows / short


def pictures(scenes: Sequence[Scene], grid: tuple[int, int]) -> torch.Tensor:
    """The scenes reduced, as the transformer sees them."""
    return draw(scenes, *reduced(*grid), supersample=2)


def reference_grid(grid: tuple[int, int]) -> tuple[int, int]:
    """The grid a reference picture of `grid` arrives at: reduced to REFERENCE_TOKENS, whole tokens."""
    scale = min(1.0, math.sqrt(REFERENCE_TOKENS / (grid[0] * grid[1])))
    return int(grid[0] * scale), int(grid[1] * scale)


def references(scenes: Sequence[Scene], grid: tuple[int, int]) -> torch.Tensor:
    """The scenes of `grid` reduced, as references: on `reference_grid`, what does not fill a token cut off evenly."""
    rows, columns = reduced(*reference_grid(grid))
    scale = min(1.0, math.sqrt(REFERENCE_TOKENS / (grid[0] * grid[1]))) * TOKEN / REDUCTION
    high, wide = max(rows, round(grid[0] * scale)), max(columns, round(grid[1] * scale))
    top, left = (high - rows) // 2, (wide - columns) // 2
    return draw(scenes, high, wide, supersample=2)[:, :, top : top + rows, left : left + columns]


def blurred(small: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """Reduced pictures out of focus: shrunk and enlarged again."""
    height, width = small.shape[-2:]
    factor = rng.uniform(1.5, 4)
    low = functional.interpolate(small, (round(height / factor), round(width / factor)), mode="area")
    return functional.interpolate(low, (height, width), mode="bicubic", align_corners=False).clamp(-1, 1)


def _targets(rng: random.Random, make: Callable[[], Scene], n: int) -> list[Scene]:
    scenes: list[Scene] = []
    while len(scenes) < n:
        scene = make()
        if not any(map(is_held_out, scene.things)):
            scenes.append(scene)
    return scenes


class Examples:
    """An endless source of batches, repeatable from its random state."""

    def __init__(self, plan: Plan, words: Words, rng: random.Random) -> None:
        self.plan, self.words, self.rng = plan, words, rng

    def next(self) -> tuple[str, Batch]:
        """The kind of the batch, and the batch."""
        plan, rng = self.plan, self.rng
        kind = rng.choices(list(plan.kinds), list(plan.kinds.values()))[0]
        grid = rng.choices(list(plan.grids), list(plan.grids.values()))[0]
        shown = {"edit": 1, "blend": 2}.get(kind, 0)
        tokens = math.prod(grid) + shown * math.prod(reference_grid(grid))
        bucket = math.ceil(tokens / FILL) * FILL
        n = max(4, plan.tokens // (bucket + TEXT_ROOM))
        make = {"edit": self._edits, "blend": self._blends}.get(kind)
        texts, targets, sources = make(n, grid) if make else self._captions(kind, n, grid)
        batch = Batch(self.words(texts), tokens_of(pictures(targets, grid)), grid, bucket=bucket)
        batch.references = [self._reference(list(scenes), grid) for scenes in zip(*sources, strict=True)]
        batch.reference_grids = [reference_grid(grid)] * len(batch.references)
        if kind == "sharpen":
            batch.blurred = tokens_of(blurred(pictures(targets, grid), rng))
            batch.times = (0.15, 0.7)
        length = FULL_TEXT if rng.random() < FULL_SHARE else rng.randrange(24, 129)
        batch.padding = max(0, length - batch.words.shape[1])
        return kind, batch

    def _reference(self, scenes: Sequence[Scene], grid: tuple[int, int]) -> torch.Tensor:
        small = references(scenes, grid)
        return tokens_of(small + REFERENCE_NOISE * torch.randn_like(small))

    def _captions(self, kind: str, n: int, grid: tuple[int, int]) -> tuple[list[str], list[Scene], list[list[Scene]]]:
        rng, (wide, high), share = self.rng, proportions(grid), self.plan.hex_share
        if kind == "two" or (kind == "sharpen" and rng.random() < 0.2):
            scenes = _targets(rng, lambda: random_pair(rng, wide, high, share / 3), n)
        else:
            scenes = _targets(rng, lambda: random_scene(rng, wide, high, share, free=self.plan.freedom(kind)), n)
        unsaid = 0.5 if kind == "sharpen" else 0.0
        return ["" if rng.random() < unsaid else caption(rng, scene) for scene in scenes], scenes, [[] for _ in scenes]

    @property
    def _reference_share(self) -> float:
        share = self.plan.reference_hex_share
        return self.plan.hex_share if share is None else share

    def _edits(self, n: int, grid: tuple[int, int]) -> tuple[list[str], list[Scene], list[list[Scene]]]:
        rng, (wide, high), share = self.rng, proportions(grid), self._reference_share
        asked: list[tuple[Instruction, list[Scene]]] = []
        while len(asked) < n:
            scene = random_scene(rng, wide, high, share, free=self.plan.freedom("edit"))
            kind = rng.choices(list(self.plan.edits), list(self.plan.edits.values()))[0]
            instruction = edit(rng, scene, kind, self.plan.hex_share)
            if self.plan.by_name:
                instruction = called_by_name(rng, scene, instruction)
            if not is_held_out(instruction.target.thing):
                asked.append((instruction, [scene]))
        return [i.text for i, _ in asked], [i.target for i, _ in asked], [r for _, r in asked]

    def _blends(self, n: int, grid: tuple[int, int]) -> tuple[list[str], list[Scene], list[list[Scene]]]:
        rng, (wide, high), share = self.rng, proportions(grid), self._reference_share
        asked: list[tuple[Instruction, list[Scene]]] = []
        while len(asked) < n:
            pair = [random_scene(rng, wide, high, share, free=self.plan.freedom("blend")) for _ in range(2)]
            instruction = blend(rng, pair[0], pair[1], BLENDS[0] if rng.random() < 0.65 else BLENDS[1])
            if instruction and not is_held_out(instruction.target.thing):
                asked.append((instruction, pair))
        return [i.text for i, _ in asked], [i.target for i, _ in asked], [r for _, r in asked]
