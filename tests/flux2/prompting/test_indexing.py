"""“image 2” in a prompt: what names an image, what only looks like it, and renumbering."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.prompting import indexing


@pytest.mark.parametrize(
    ("prompt", "numbers"),
    [
        ("the cat of image 1 in the room of image 2", (1, 2)),
        ("images 1, 2 and 4", (1, 2, 4)),
        ("Image #3, please", (3,)),
        ("images 2 to 4", (2, 3, 4)),
        ("reference image 2", (2,)),
        ("make the second picture blue, like the 3rd image", (2, 3)),
        ("picture 2 & 3", (2, 3)),
        ("image 0", (0,)),
        ("an image 16:9 wide", ()),
        ("an image 2 megapixels large", ()),
        ("image 2x sharper, image 3.5, image 50 %, image 4k", ()),
        ("an image 1024 pixels wide from images of 1969", ()),
        ("a poster that reads “image 7”", ()),
        ("image 99", ()),
        ('{"scene": "the hat of image 2 on the fox", "style": "like the sign \\"image 5\\""}', (2,)),
        ("une image 2", (2,)),
        ("imagine 3 foxes", ()),
    ],
)
def test_which_images_a_prompt_names(prompt: str, numbers: tuple[int, ...]) -> None:
    """Digits, lists, ranges and ordinals name images; sizes, shares, years and lettering do not."""
    assert indexing.named(prompt) == numbers


@pytest.mark.parametrize(
    ("prompt", "count", "sentence"),
    [
        ("put image 3 there", 2, "speaks of image 3, but there are only images 1 to 2; attach it or change"),
        ("the second image, larger", 1, "speaks of image 2, but there is only image 1"),
        ("image 0 in blue", 2, "images are counted from 1"),
        ("the fox of image 1", 0, "speaks of image 1, but no image was given; attach it"),
        ("images 1 and 2", 1, "image 2"),
    ],
)
def test_an_image_that_is_not_there_is_refused(prompt: str, count: int, sentence: str) -> None:
    """One sentence names the number and what there is."""
    with pytest.raises(InvalidRequest, match=sentence):
        indexing.check(prompt, count)


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("images 1 and 2", 2),
        ("the first image of the moon", 0),
        ("photo 51", 0),
        ("photo 12 of a series", 1),
        ("two foxes, the second one blue", 1),
    ],
)
def test_what_may_be_meant_otherwise_passes(prompt: str, count: int) -> None:
    """Only “image N” is surely a reference, and an ordinal only where there are references."""
    indexing.check(prompt, count)


def test_renumbering_touches_mentions_alone() -> None:
    """Quoted words, sizes and numbers that stay are kept; an ordinal becomes a number once."""
    prompt = "the hat of image 3 on the second one, sign “image 3”, images 1 and 3, image 16:9"
    told = "the hat of image 1 on image 3, sign “image 3”, images 1 and 1, image 16:9"
    assert indexing.renumbered(prompt, {3: 1, 2: 3}) == told


@given(st.text(max_size=200), st.integers(0, 10))
def test_any_text_is_read(prompt: str, count: int) -> None:
    """Whatever was typed is passed or refused, and renumbering by the same numbers changes no meaning."""
    numbers = indexing.named(prompt)
    same = indexing.renumbered(prompt, {number: number for number in numbers})
    assert indexing.named(same) == numbers or prompt.lstrip().startswith(("{", "`"))
    with contextlib.suppress(InvalidRequest):
        indexing.check(prompt, count)
