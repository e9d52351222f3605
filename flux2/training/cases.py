"""The examination: prompts on combinations training never showed, and what a right answer has to show.

Declines to know models: it hands out prompts and reference pictures, and marks readings.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image

from flux2.training.captions import blend, caption, edit
from flux2.training.latents import TOKEN
from flux2.training.reader import Reading, Seen, delta_e, nearest
from flux2.training.scenes import (
    COLOURS,
    SIZES,
    Colour,
    Scene,
    draw,
    is_held_out,
    named,
    random_pair,
    random_scene,
)

HEX_TOLERANCE = 10.0
"""CIE76 distance within which an unnamed colour counts as met."""
CENTRE_TOLERANCE, RADIUS_TOLERANCE = 0.06, 0.15
GROWTH = 1.12
"""Least factor of the radius that counts as bigger; its inverse as smaller."""
EXAM_SEED = 99

Marks = dict[str, bool]
Grid = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """One question: what to ask, with which references, and the scene a right answer shows."""

    prompt: str
    target: Scene
    grid: Grid
    references: tuple[Scene, ...] = ()
    kind: str = "one"
    """one, two, an edit's kind, or "blend"."""

    @property
    def pixels(self) -> tuple[int, int]:
        """(height, width) of the answer."""
        return self.grid[0] * TOKEN, self.grid[1] * TOKEN

    def pictures(self) -> list[Image.Image]:
        """The reference pictures."""
        return [picture(draw([scene], *self.pixels)[0]) for scene in self.references]


def picture(pixels: torch.Tensor) -> Image.Image:
    """(3, height, width) in -1..1 as a picture."""
    return Image.fromarray(((pixels.permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy())


def _proportions(grid: Grid) -> tuple[float, float]:
    return grid[1] / min(grid), grid[0] / min(grid)


def _until(make: Callable[[], Scene], good: Callable[[Scene], bool]) -> Scene:
    while True:
        scene = make()
        if good(scene):
            return scene


def one(rng: random.Random, grid: Grid, *, held_out: bool) -> Case:
    """One object of a (shape, colour) pair that was held out, or of one that was not; no hex codes."""

    def make() -> Scene:
        return random_scene(rng, *_proportions(grid), hex_share=0)

    scene = _until(make, lambda s: is_held_out(s.thing) == held_out)
    return Case(caption(rng, scene), scene, grid)


def coded(rng: random.Random, grid: Grid) -> Case:
    """One object in a hex colour on a named ground."""

    def make() -> Scene:
        return random_scene(rng, *_proportions(grid), hex_share=1)

    scene = _until(make, lambda s: s.thing.colour.name is None)
    ground = named(rng.choice([n for n in COLOURS if named(n).apart(scene.thing.colour)]))
    scene = Scene(ground, scene.things, scene.wide, scene.high)
    return Case(caption(rng, scene), scene, grid)


def pair(rng: random.Random, grid: Grid) -> Case:
    """Two objects with a relation; at least one of a held-out pair where n is large enough to have some."""

    def make() -> Scene:
        return random_pair(rng, *_proportions(grid), hex_share=0)

    scene = make()
    return Case(caption(rng, scene), scene, grid, kind="two")


def edited(rng: random.Random, grid: Grid, kind: str, codes: float = 0.0) -> Case:
    """An edit of a drawn scene of any colours; `codes` is the share of hex codes among the colours asked for."""
    scene = random_scene(rng, *_proportions(grid), hex_share=0.15)
    instruction = edit(rng, scene, kind, hex_share=codes)
    return Case(instruction.text, instruction.target, grid, (scene,), kind)


def blended(rng: random.Random, grid: Grid, kind: str) -> Case:
    """Two references: the colour or the ground of one for the other."""
    while True:
        scenes = [random_scene(rng, *_proportions(grid), hex_share=0.15) for _ in range(2)]
        instruction = blend(rng, scenes[0], scenes[1], kind)
        if instruction:
            return Case(instruction.text, instruction.target, grid, tuple(scenes), "blend")


def colour_met(rgb: tuple[float, float, float], wanted: Colour) -> bool:
    """Named: no other palette colour is nearer. Unnamed: within HEX_TOLERANCE."""
    if wanted.name:
        return nearest(rgb) == wanted.name
    return delta_e(rgb, wanted.rgb) <= HEX_TOLERANCE


def mark(case: Case, reading: Reading) -> Marks:
    """What is right about an answer, by capability."""
    if case.kind == "two":
        return _mark_pair(case, reading)
    seen = reading.object
    ground = colour_met(reading.ground, case.target.ground)
    if seen is None:
        names = {"one": ("shape", "colour", "place", "size")}.get(case.kind, ("asked", "kept"))
        return {"ground": ground} | dict.fromkeys(names, False) if case.kind == "one" else dict.fromkeys(names, False)
    return _mark_one(case, reading, seen, ground) if case.kind == "one" else _mark_edit(case, seen, ground)


def _mark_one(case: Case, reading: Reading, seen: Seen, ground: bool) -> Marks:
    thing = case.target.thing
    marks = {
        "shape": seen.shape == thing.shape,
        "colour": colour_met(seen.rgb, thing.colour),
        "ground": ground,
    }
    if thing.place:
        marks["place"] = reading.place(seen) == thing.place
    if thing.size:
        marks["size"] = min(SIZES, key=lambda size: abs(SIZES[size] - seen.radius)) == thing.size
    return marks


def _mark_edit(case: Case, seen: Seen, ground: bool) -> Marks:
    thing = case.target.thing
    right = {
        "colour": colour_met(seen.rgb, thing.colour),
        "shape": seen.shape == thing.shape,
        "ground": ground,
        "size": abs(math.log(seen.radius / thing.radius)) <= math.log(1 + RADIUS_TOLERANCE),
        "place": math.dist((seen.x, seen.y), (thing.x, thing.y)) <= CENTRE_TOLERANCE,
    }
    if case.kind == "blend":
        asked: tuple[str, ...] = ("shape", "colour", "ground")
    else:
        asked = (case.kind,)
        if case.kind == "size":
            before = case.references[0].thing.radius
            growth = seen.radius / before
            right["size"] = growth >= GROWTH if thing.radius > before else growth <= 1 / GROWTH
    kept = [name for name in right if name not in asked]
    return {"asked": all(right[name] for name in asked), "kept": all(right[name] for name in kept)}


def _mark_pair(case: Case, reading: Reading) -> Marks:
    marks = dict.fromkeys(("shape", "colour", "place"), False)
    marks["ground"] = colour_met(reading.ground, case.target.ground)
    if len(reading.objects) == 2:
        sideways = (case.target.relation or "").endswith("of")
        wanted = sorted(case.target.things, key=lambda t: t.x if sideways else t.y)
        found = sorted(reading.objects, key=lambda s: s.x if sideways else s.y)
        both = list(zip(found, wanted, strict=True))
        marks["shape"] = all(s.shape == t.shape for s, t in both)
        marks["colour"] = all(colour_met(s.rgb, t.colour) for s, t in both)
        apart = abs(found[0].x - found[1].x), abs(found[0].y - found[1].y)
        marks["place"] = (apart[0] > apart[1]) == sideways
    return marks


@dataclass(frozen=True)
class Paper:
    """A set of questions of one capability on one grid."""

    name: str
    make: Callable[[random.Random, Grid], Case]
    grid: Grid

    def cases(self, n: int) -> list[Case]:
        """The first `n` questions; the same every time."""
        rng = random.Random(f"{EXAM_SEED}/{self.name}/{self.grid}")
        return [self.make(rng, self.grid) for _ in range(n)]


def _paper(name: str, make: Callable[..., Case], grid: Grid, **options: object) -> Paper:
    return Paper(name, lambda rng, g: make(rng, g, **options), grid)


def papers(grid: Grid) -> list[Paper]:
    """All capabilities on one grid."""
    return [
        _paper("one object, held-out", one, grid, held_out=True),
        _paper("one object, seen", one, grid, held_out=False),
        _paper("hex colour", coded, grid),
        _paper("two objects", pair, grid),
        *(_paper(f"edit {kind}", edited, grid, kind=kind) for kind in ("colour", "shape", "ground", "size", "place")),
        _paper("edit colour by hex code", edited, grid, kind="colour", codes=1.0),
        *(_paper(f"two references: {kind}", blended, grid, kind=kind) for kind in ("colour", "ground")),
    ]
