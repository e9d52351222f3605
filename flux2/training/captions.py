"""How scenes are put into words: captions, edit instructions and what each instruction makes of a scene.

Declines to know pixels and tokens.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace

from flux2.training.scenes import PLACES, SHAPES, Colour, Scene, Thing, colour_apart, inside, spot

EDITS = ("colour", "shape", "ground", "size", "place")
BLENDS = ("colour", "ground")
BIGGER = 1.4
"""Factor of the radius for "make it bigger"; its inverse for "make it smaller"."""
RADIUS_BOUNDS = (0.14, 0.42)
_PLACE_WORDS = {
    "center": ("in the center", "in the center", "in the middle", "in the centre"),
    "left": ("on the left", "on the left", "on the left side", "at the left"),
    "right": ("on the right", "on the right", "on the right side", "at the right"),
    "top": ("at the top", "at the top", "on top"),
    "bottom": ("at the bottom", "at the bottom", "on the bottom"),
}
_SIZE_WORDS = {"small": ("small", "small", "little"), "medium": ("medium",), "large": ("large", "large", "big")}


@dataclass(frozen=True)
class Instruction:
    """An edit: what is asked, and the scene it should make of the references."""

    text: str
    target: Scene


def colour_words(rng: random.Random, colour: Colour) -> str:
    """A colour as it stands before a noun."""
    if colour.name is None:
        return rng.choice(("hex ", "")) + colour.code
    return "grey" if colour.name == "gray" and rng.random() < 0.3 else colour.name


def article(word: str) -> str:
    """The word behind "a" or "an"."""
    return ("an " if word[0] in "aeiou" else "a ") + word


def thing_words(rng: random.Random, thing: Thing) -> str:
    """ "a small red circle", "a large circle in hex #1b6b6f"."""
    size = rng.choice(_SIZE_WORDS[thing.size]) + " " if thing.size else ""
    if thing.colour.name is None and rng.random() < 0.6:
        hex_word = rng.choice(("hex ", "hex ", "the color ", ""))
        return article(f"{size}{thing.shape} in {hex_word}{thing.colour.code}")
    words = f"{size}{colour_words(rng, thing.colour)} {thing.shape}"
    return words if rng.random() < 0.1 else article(words)


def ground_words(rng: random.Random, ground: Colour) -> str:
    """The end of a caption; white may go unsaid."""
    if ground.name == "white" and rng.random() < 0.4:
        return ""
    words = colour_words(rng, ground)
    if ground.name is None and rng.random() < 0.5:
        return f" on a background in hex {ground.code}"
    kind = rng.choices(("on", "with", "short", "bare"), (6, 3, 1, 1))[0]
    if kind == "short":
        return f" on {words}"
    if kind == "bare":
        return f" {words} background"
    return f" {kind} {article(words)} background"


def opening(rng: random.Random) -> str:
    """What people put before the object."""
    return rng.choice(("",) * 6 + ("draw ", "a picture of ", "a drawing of ", "paint "))


def caption(rng: random.Random, scene: Scene) -> str:
    """A caption of a scene with one or two objects; says exactly what was not left open."""
    words = thing_words(rng, scene.thing)
    if scene.relation is not None:
        relation = scene.relation
        if relation.endswith("of") and rng.random() < 0.4:
            relation = "to the " + relation
        words = f"{words} {relation} {thing_words(rng, scene.things[1])}"
    place = " " + rng.choice(_PLACE_WORDS[scene.thing.place]) if scene.thing.place else ""
    ground = ground_words(rng, scene.ground)
    both = ground + place if ground and rng.random() < 0.25 else place + ground
    return opening(rng) + words + both


def _it(rng: random.Random, thing: Thing) -> str:
    return rng.choice(("it", "it", f"the {thing.shape}"))


def called_by_name(rng: random.Random, scene: Scene, instruction: Instruction) -> Instruction:
    """The instruction with the object named more often: it is learned sooner what a name means than what "it" is."""
    if rng.random() < 0.5:
        return instruction
    return replace(instruction, text=re.sub(r"\bit\b", f"the {scene.thing.shape}", instruction.text))


def edit(rng: random.Random, scene: Scene, kind: str, hex_share: float = 0.2) -> Instruction:
    """One instruction of `kind` (see EDITS) for a scene with one object, and what it makes of it."""
    return {"colour": _recolour, "shape": _reshape, "ground": _reground, "size": _resize, "place": _move}[kind](
        rng, scene, hex_share
    )


def _recolour(rng: random.Random, scene: Scene, hex_share: float) -> Instruction:
    thing = scene.thing
    colour = colour_apart(rng, hex_share, scene.ground, thing.colour)
    words, it = colour_words(rng, colour), _it(rng, thing)
    text = rng.choice(
        (
            f"make {it} {words}",
            f"make {it} {words}",
            f"turn {it} {words}",
            f"change the color to {words}",
            f"color {it} {words}",
        )
    )
    return Instruction(text, scene.with_thing(replace(thing, colour=colour)))


def _reshape(rng: random.Random, scene: Scene, _: float) -> Instruction:
    thing = scene.thing
    shape = rng.choice([s for s in SHAPES if s != thing.shape])
    text = rng.choice(
        (
            f"replace the {thing.shape} with a {shape}",
            f"replace the {thing.shape} with a {shape}",
            f"replace {_it(rng, thing)} with a {shape}",
            f"turn {_it(rng, thing)} into a {shape}",
            f"make {_it(rng, thing)} a {shape}",
            f"change the {thing.shape} to a {shape}",
        )
    )
    return Instruction(text, scene.with_thing(replace(thing, shape=shape)))


def _reground(rng: random.Random, scene: Scene, hex_share: float) -> Instruction:
    ground = colour_apart(rng, hex_share, scene.thing.colour, scene.ground)
    words = colour_words(rng, ground)
    text = rng.choice(
        (
            f"make the background {words}",
            f"make the background {words}",
            f"change the background to {words}",
            f"on {article(words)} background",
            f"turn the background {words}",
        )
    )
    return Instruction(text, replace(scene, ground=ground))


def _resize(rng: random.Random, scene: Scene, _: float) -> Instruction:
    thing = scene.thing
    low, high = RADIUS_BOUNDS
    up = rng.random() < 0.5
    if thing.radius * 1.2 > high or thing.radius / 1.2 < low:
        up = thing.radius * 1.2 <= high
    radius = min(thing.radius * BIGGER, high) if up else max(thing.radius / BIGGER, low)
    x, y = inside(thing.x, radius, scene.wide), inside(thing.y, radius, scene.high)
    word = rng.choice(("bigger", "bigger", "larger")) if up else "smaller"
    return Instruction(f"make {_it(rng, thing)} {word}", scene.with_thing(replace(thing, radius=radius, x=x, y=y)))


def _move(rng: random.Random, scene: Scene, _: float) -> Instruction:
    thing = scene.thing
    place = rng.choice([p for p in PLACES if p != thing.place and _far(scene, p)])
    x, y = spot(place, thing.radius, scene.wide, scene.high)
    text = rng.choice(
        (
            f"move {_it(rng, thing)} to the {place}",
            f"move {_it(rng, thing)} to the {place}",
            f"put {_it(rng, thing)} {rng.choice(_PLACE_WORDS[place])}",
        )
    )
    return Instruction(text, scene.with_thing(replace(thing, x=x, y=y, place=place)))


def _far(scene: Scene, place: str) -> bool:
    x, y = spot(place, scene.thing.radius, scene.wide, scene.high)
    return abs(x - scene.thing.x) + abs(y - scene.thing.y) > 0.04


def blend(rng: random.Random, first: Scene, second: Scene, kind: str) -> Instruction | None:
    """One instruction for two references; None where its result could not be told from its ground."""
    one, two = (first, second) if rng.random() < 0.75 else (second, first)
    a, b = (1, 2) if one is first else (2, 1)
    if kind == "colour":
        if not two.thing.colour.apart(one.ground):
            return None
        colour = rng.choice(("color", "colour"))
        text = rng.choice(
            (f"the shape of image {a} in the {colour} of image {b}", f"image {a} in the {colour} of image {b}")
        )
        return Instruction(text, one.with_thing(replace(one.thing, colour=two.thing.colour)))
    if not one.thing.colour.apart(two.ground):
        return None
    return Instruction(f"image {a} with the background of image {b}", replace(one, ground=two.ground))
