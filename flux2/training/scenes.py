"""What is drawn: flat shapes on a flat ground, as values and as pictures. Knows no words and no model.

Lengths are in units of the picture's shorter side, from the top left corner, so a scene scales with the picture.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

SHAPES = ("circle", "square", "triangle", "star", "diamond", "heart", "cross", "ring")
PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 80, 220),
    "yellow": (250, 215, 50),
    "orange": (245, 130, 30),
    "purple": (135, 55, 175),
    "pink": (250, 150, 195),
    "black": (20, 20, 20),
    "white": (250, 250, 250),
    "gray": (130, 130, 130),
}
COLOURS = tuple(PALETTE)
PLACES = ("center", "left", "right", "top", "bottom")
SIZES: dict[str, float] = {"small": 0.20, "medium": 0.28, "large": 0.36}
"""Radius by size word."""
PAIR_SIZES: dict[str, float] = {"small": 0.15, "large": 0.215}
"""Radius by size word where two objects share the picture."""
RELATIONS = ("left of", "right of", "above", "below")
OPEN_RADIUS = (0.22, 0.35)
"""Radius where the caption says no size."""
OPEN_SHIFT = 0.09
"""How far from the middle an object may lie where the caption says no place."""
SAID_RADIUS, SAID_SHIFT = 0.04, 0.02
"""How far radius (as a share) and place vary where the caption says them."""
MARGIN = 0.04
"""Gap to the edge of an object placed at it."""
CONTRAST = 110.0
"""Least distance between object and ground, Euclidean in 8-bit RGB."""
HELD_OUT = frozenset((shape, COLOURS[(3 * i + 1) % len(COLOURS)]) for i, shape in enumerate(SHAPES))
"""(shape, colour name) pairs that are never the target of a training step."""


@dataclass(frozen=True)
class Colour:
    """A colour: 8-bit RGB, and its name where it has one."""

    rgb: tuple[int, int, int]
    name: str | None = None

    @property
    def code(self) -> str:
        """`#1b6b6f`, lower case."""
        return "#" + "".join(f"{v:02x}" for v in self.rgb)

    def apart(self, other: Colour) -> bool:
        """Whether the two can be told apart as object and ground."""
        return math.dist(self.rgb, other.rgb) >= CONTRAST


@dataclass(frozen=True)
class Thing:
    """One object: centre and radius in units of the shorter side."""

    shape: str
    colour: Colour
    x: float
    y: float
    radius: float
    size: str | None = None
    """The size word it was drawn from; None where it was left open."""
    place: str | None = None
    """The place word it was drawn from; None where it was left open."""


@dataclass(frozen=True)
class Scene:
    """A ground and one or two objects on a picture of `wide` x `high` (the shorter of the two is 1)."""

    ground: Colour
    things: tuple[Thing, ...]
    wide: float = 1.0
    high: float = 1.0
    relation: str | None = None
    """Where the first of two things lies, seen from the second."""

    @property
    def thing(self) -> Thing:
        """The first object."""
        return self.things[0]

    def with_thing(self, thing: Thing) -> Scene:
        """The scene with its only object replaced."""
        return replace(self, things=(thing,))


def named(name: str) -> Colour:
    """The palette colour called `name`."""
    return Colour(PALETTE[name], name)


def random_colour(rng: random.Random, hex_share: float) -> Colour:
    """A palette colour, or with probability `hex_share` any of the 16.7 million."""
    if rng.random() < hex_share:
        return Colour((rng.randrange(256), rng.randrange(256), rng.randrange(256)))
    return named(rng.choice(COLOURS))


def colour_apart(rng: random.Random, hex_share: float, *others: Colour) -> Colour:
    """A colour that can be told apart from all `others`."""
    while True:
        colour = random_colour(rng, hex_share)
        if all(colour.apart(other) for other in others):
            return colour


def spot(place: str, radius: float, wide: float, high: float) -> tuple[float, float]:
    """Centre (x, y) of an object of `radius` that lies at `place`."""
    near = radius + MARGIN
    return {
        "center": (wide / 2, high / 2),
        "left": (near, high / 2),
        "right": (wide - near, high / 2),
        "top": (wide / 2, near),
        "bottom": (wide / 2, high - near),
    }[place]


def inside(value: float, radius: float, extent: float) -> float:
    """`value` moved so that the object stays in the picture."""
    edge = min(radius + 0.015, extent / 2)
    return min(max(value, edge), extent - edge)


def random_thing(
    rng: random.Random, ground: Colour, wide: float, high: float, hex_share: float, *, free: float = 1.0
) -> Thing:
    """One object, size and place said or left open. What is open varies by `free`, 0 (medium, centred) to 1."""
    size = rng.choice((None, None, *SIZES))
    place = rng.choice((None, None, *PLACES))
    middle = SIZES[size or "medium"]
    least, most = (middle * (1 - SAID_RADIUS), middle * (1 + SAID_RADIUS))
    shift = SAID_SHIFT
    if size is None:
        least, most = least + free * (OPEN_RADIUS[0] - least), most + free * (OPEN_RADIUS[1] - most)
    if place is None:
        shift += free * (OPEN_SHIFT - SAID_SHIFT)
    radius = rng.uniform(least, most)
    x, y = spot(place or "center", radius, wide, high)
    x = inside(x + shift * rng.uniform(-1, 1), radius, wide)
    y = inside(y + shift * rng.uniform(-1, 1), radius, high)
    return Thing(rng.choice(SHAPES), colour_apart(rng, hex_share, ground), x, y, radius, size, place)


def is_held_out(thing: Thing) -> bool:
    """Whether this shape in this colour is kept from the training targets."""
    return (thing.shape, thing.colour.name) in HELD_OUT


def random_scene(
    rng: random.Random, wide: float = 1.0, high: float = 1.0, hex_share: float = 0.3, *, free: float = 1.0
) -> Scene:
    """A scene with one object; held-out combinations included."""
    ground = random_colour(rng, hex_share / 2)
    return Scene(ground, (random_thing(rng, ground, wide, high, hex_share, free=free),), wide, high)


def random_pair(rng: random.Random, wide: float = 1.0, high: float = 1.0, hex_share: float = 0.1) -> Scene:
    """A scene with two objects beside or above each other."""
    ground = named("white") if rng.random() < 0.4 else random_colour(rng, hex_share)
    relation = rng.choice(RELATIONS)
    spots = {"left of": (0.26, 0.5), "right of": (0.74, 0.5), "above": (0.5, 0.26), "below": (0.5, 0.74)}
    across, down = spots[relation]
    things = []
    for u, v in ((across, down), (1 - across, 1 - down)):
        size = rng.choice(tuple(PAIR_SIZES))
        x, y = u * wide + rng.uniform(-0.02, 0.02), v * high + rng.uniform(-0.02, 0.02)
        colour = colour_apart(rng, hex_share, ground)
        things.append(Thing(rng.choice(SHAPES), colour, x, y, PAIR_SIZES[size] * rng.uniform(0.95, 1.05), size))
    return Scene(ground, tuple(things), wide, high, relation)


def distance(shape: str, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Signed distance to the outline of a unit shape, negative inside; v points down."""
    a, b = u.abs(), v.abs()
    if shape == "circle":
        return torch.hypot(u, v) - 0.95
    if shape == "square":
        return torch.maximum(a, b) - 0.82
    if shape == "triangle":
        return torch.maximum(v - 0.75, (1.75 * a - (v + 1)) / 2.016)
    if shape == "star":
        return _star(u, v)
    if shape == "diamond":
        return (a / 0.68 + b - 1) * 0.56
    if shape == "heart":
        lobe = torch.hypot(a - 0.46, v + 0.35) - 0.52
        side = torch.maximum(-(v + 0.35), a - 0.82)
        return torch.minimum(lobe, torch.maximum(0.7071 * (a + v - 0.11) - 0.52, side))
    if shape == "cross":
        return torch.minimum(torch.maximum(a - 0.32, b - 0.95), torch.maximum(b - 0.32, a - 0.95))
    return (torch.hypot(u, v) - 0.7).abs() - 0.25


def _star(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Five points: fold the plane into one half point and measure to its straight edge."""
    step = 2 * math.pi / 5
    angle = torch.atan2(u, -v)
    angle = (angle - step * torch.round(angle / step)).abs()
    rho = torch.hypot(u, v)
    x, y = rho * torch.cos(angle) - 1, rho * torch.sin(angle)
    edge_x, edge_y = 0.42 * math.cos(step / 2) - 1, 0.42 * math.sin(step / 2)
    return (edge_x * -y + edge_y * x) / math.hypot(edge_x, edge_y)


def coverage(things: Sequence[Thing], height: int, width: int, supersample: int = 1) -> torch.Tensor:
    """How much of each pixel each thing covers: (n, 1, height, width), 0..1."""
    rows, columns = height * supersample, width * supersample
    scale = min(rows, columns)
    y = ((torch.arange(rows) + 0.5) / scale)[:, None]
    x = ((torch.arange(columns) + 0.5) / scale)[None, :]
    mask = torch.empty(len(things), 1, rows, columns)
    for shape in SHAPES:
        at = [i for i, thing in enumerate(things) if thing.shape == shape]
        if at:
            cx, cy, r = torch.tensor([[things[i].x, things[i].y, things[i].radius] for i in at]).T[:, :, None, None]
            mask[at, 0] = (0.5 - distance(shape, (x - cx) / r, (y - cy) / r) * r * scale).clamp(0, 1)
    return torch.nn.functional.avg_pool2d(mask, supersample) if supersample > 1 else mask


def colours(values: Sequence[Colour]) -> torch.Tensor:
    """(n, 3, 1, 1) in -1..1."""
    return torch.tensor([colour.rgb for colour in values], dtype=torch.float32)[:, :, None, None] / 127.5 - 1


def draw(scenes: Sequence[Scene], height: int, width: int, supersample: int = 1) -> torch.Tensor:
    """Pictures of the scenes: (n, 3, height, width) in -1..1. All scenes have the same number of things."""
    picture = colours([scene.ground for scene in scenes]).expand(-1, -1, height, width)
    for k in range(len(scenes[0].things)):
        things = [scene.things[k] for scene in scenes]
        mask = coverage(things, height, width, supersample)
        picture = mask * colours([thing.colour for thing in things]) + (1 - mask) * picture
    return picture
