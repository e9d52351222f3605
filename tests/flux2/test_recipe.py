"""Recipes as a file: written, read back, and what is no such file."""

from datetime import UTC, datetime

import pytest

from flux2 import recipe
from flux2.errors import InvalidRequest
from flux2.request import GenerationRequest, ReferenceImage
from flux2.upscaling.request import UpscaleRequest

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PICTURE = ReferenceImage(sha256="a" * 64, width=128, height=128)
REQUEST = GenerationRequest(
    model="sample", prompt="a “fox”", width=128, height=96, num_inference_steps=4, seed=7, count=2,
    reference_images=(PICTURE,), output_format="png",
)  # fmt: skip


def test_what_is_written_is_read_back() -> None:
    """The first of the file is drawn from it; no picture is named, only how many there were."""
    latest = recipe.recipe_of(REQUEST, REQUEST.seed, version=2, id="0" * 16, drawn_at=NOW)
    large = UpscaleRequest(model="sample", image=PICTURE, width=256, height=256, seed=1)
    text = recipe.write([latest, recipe.recipe_of(large, 1, version=1, id="1" * 16, drawn_at=NOW)])
    assert recipe.read(text) == latest
    assert (latest.count, latest.reference_images, latest.pictures, latest.needs_mask) == (2, 1, 1, False)
    assert "aaaa" not in text
    assert "“fox”" in text


@pytest.mark.parametrize(
    ("change", "pictures", "needs_mask"),
    [
        ({"region": ("A1",)}, 1, False),
        ({"mask_image": PICTURE}, 1, True),
        ({"region": ("A1",), "mask_image": PICTURE}, 1, True),
        ({"init_image": PICTURE, "strength": 0.6}, 2, False),
    ],
)
def test_what_it_takes_besides_the_file_is_known(change: dict[str, object], pictures: int, needs_mask: bool) -> None:
    """Pictures are counted, the one that is drawn over among them; a mask is asked for where there was one."""
    made = recipe.recipe_of(REQUEST.model_copy(update=change), 7, id="0" * 16, drawn_at=NOW)
    made = recipe.read(recipe.write([made])) or made
    assert (made.pictures, made.needs_mask) == (pictures, needs_mask)


def test_a_mask_of_a_file_that_does_not_say_so_is_asked_for() -> None:
    """The first files told of a mask by naming no cells."""
    made = recipe.recipe_of(REQUEST, 7, id="0" * 16, drawn_at=NOW)
    assert made.model_copy(update={"is_masked": True}).needs_mask


@pytest.mark.parametrize("text", ["", "a fox", '{"scene": "a pier"}', "[1]", "7", "[" * 60_000])
def test_what_is_no_recipe_file_is_left_to_others(text: str) -> None:
    """Words and JSON prompts are none, however deep."""
    assert recipe.read(text) is None


@pytest.mark.parametrize("value", ["[]", "{}", '[{"model": "sample"}]', '[{"model": "x", "width": 0, "height": 1}]'])
def test_a_damaged_one_is_one_sentence(value: str) -> None:
    """It says where the damage is."""
    with pytest.raises(InvalidRequest, match=r"The recipe in that file is damaged at “\w+”; export it anew\."):
        recipe.read(f'{{"recipes": {value}}}')
