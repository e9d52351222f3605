"""flux2.training.reader, judged by drawings whose truth is known and by what the VAE makes of them."""

import math
import random
from typing import Any

import pytest
import torch
from PIL import Image

from flux2.training.cases import Case, colour_met, mark, picture
from flux2.training.reader import delta_e, nearest, read, to_lab
from flux2.training.scenes import PALETTE, SHAPES, Colour, Scene, Thing, draw, named, random_pair, random_scene

SIZES = [(128, 128), (256, 256), (144, 256), (256, 144), (512, 288), (64, 64)]


def scenes(n: int, height: int, width: int, hex_share: float = 0.3) -> list[Scene]:
    """The same `n` scenes every time."""
    rng, short = random.Random(f"{height}x{width}"), min(height, width)
    return [random_scene(rng, width / short, height / short, hex_share) for _ in range(n)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_drawings_are_read_without_a_fault(show: Any, height: int, width: int) -> None:
    """Shape, both colours, centre, radius and place of every drawn scene come back, at any size and ratio."""
    for scene in scenes(40, height, width):
        reading, thing = read(show(scene, height, width)), scene.thing
        seen = reading.object
        assert seen is not None
        assert seen.shape == thing.shape
        assert delta_e(seen.rgb, thing.colour.rgb) < 3
        assert delta_e(reading.ground, scene.ground.rgb) < 3
        assert math.dist((seen.x, seen.y), (thing.x, thing.y)) < 0.02
        assert seen.radius == pytest.approx(thing.radius, rel=0.08)
        assert thing.place is None or reading.place(seen) == thing.place


@pytest.mark.parametrize(
    ("height", "width"),
    [(128, 128), pytest.param(256, 256, marks=pytest.mark.slow), pytest.param(144, 256, marks=pytest.mark.slow)],
)
def test_round_trips_through_the_vae_are_read_like_drawings(sample_vae: Any, height: int, width: int) -> None:
    """At least 97 of 100 scenes keep shape, colours and place through the shipped VAE."""
    drawn = scenes(100, height, width, hex_share=0)
    with torch.no_grad():
        z = sample_vae.encode(draw(drawn, height, width)).latent_dist.mode()
        shown = sample_vae.decode(z).sample.clamp(-1, 1)
    right = [
        all(mark(Case("", scene, (height // 16, width // 16)), read(picture(pixels))).values())
        for scene, pixels in zip(drawn, shown, strict=True)
    ]
    assert sum(right) >= 97


def test_two_objects_are_read_apart(show: Any) -> None:
    """Both objects of a pair, with their shapes and colours and the relation."""
    rng = random.Random(1)
    for _ in range(30):
        scene = random_pair(rng)
        marks = mark(Case("", scene, (16, 16), kind="two"), read(show(scene, 256, 256)))
        assert marks == {"shape": True, "colour": True, "place": True, "ground": True}


def test_an_empty_picture_has_no_object() -> None:
    """A plain ground is read as one, and every question about its object is answered wrong."""
    reading = read(Image.new("RGB", (128, 128), PALETTE["green"]))
    assert (reading.objects, reading.object, reading.ground_colour) == ((), None, "green")
    scene = scenes(1, 128, 128)[0]
    assert not mark(Case("", scene, (8, 8)), reading)["shape"]


def test_noise_is_no_shape() -> None:
    """Coloured noise never passes for a scene."""
    torch.manual_seed(0)
    for scene in scenes(10, 128, 128):
        noise = picture(torch.rand(3, 128, 128) * 2 - 1)
        assert not all(mark(Case("", scene, (8, 8)), read(noise)).values())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_wrong_shape_is_told_apart(show: Any, shape: str) -> None:
    """A drawn shape is never read as another, small or large, dark on light or light on dark."""
    for radius in (0.14, 0.2, 0.4):
        for one, other in (("black", "white"), ("yellow", "purple")):
            scene = Scene(named(one), (Thing(shape, named(other), 0.5, 0.5, radius),))
            seen = read(show(scene, 128, 128)).object
            assert seen is not None
            assert (seen.shape, seen.colour) == (shape, other)


def test_colour_differences_are_those_of_the_textbook() -> None:
    """White, black and sRGB red have their published CIELAB values; a name is nearest to itself."""
    assert to_lab((255, 255, 255)) == pytest.approx([100, 0, 0], abs=0.1)
    assert to_lab((0, 0, 0)) == pytest.approx([0, 0, 0], abs=0.1)
    assert to_lab((255, 0, 0)) == pytest.approx([53.24, 80.09, 67.2], abs=0.3)
    assert [nearest(rgb) for rgb in PALETTE.values()] == list(PALETTE)


def test_a_hex_colour_is_met_within_ten(show: Any) -> None:
    """An unnamed colour counts as met up to CIE76 10 and not beyond."""
    wanted = Colour((27, 107, 111))
    assert colour_met((27, 107, 111), wanted)
    assert colour_met((30, 112, 117), wanted)
    assert not colour_met((60, 140, 140), wanted)
