"""flux2.request: what one render asks for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flux2.errors import InvalidRequest
from flux2.models import REGISTRY, Model
from flux2.prompting.styles import Style
from flux2.request import DEFAULT_STRENGTH, MAX_PROMPT, MAX_SEED, GenerationRequest, ReferenceImage, settle

KLEIN, BASE, DEV = REGISTRY["klein-4b"], REGISTRY["klein-base-4b"], REGISTRY["dev"]


def references(count: int) -> tuple[ReferenceImage, ...]:
    return tuple(ReferenceImage(sha256=f"{i:064x}", width=640, height=480) for i in range(count))


def test_unset_values_take_the_models_defaults() -> None:
    """A prompt alone makes a whole request."""
    request, notes = settle(KLEIN, "  a red fox  ", seed=1)
    assert request == GenerationRequest(
        model="klein-4b", prompt="a red fox", width=1024, height=1024, num_inference_steps=4, seed=1
    )
    assert (request.guidance_scale, request.count, request.output_format, request.output_quality) == (
        None,
        1,
        "webp",
        80,
    )
    assert notes == ()
    assert settle(DEV, "a fox")[0].guidance_scale == 4.0


def test_an_unset_seed_is_drawn_at_random() -> None:
    """Two requests without a seed differ, within the range a member could type."""
    seeds = {settle(KLEIN, "a fox")[0].seed for _ in range(8)}
    assert len(seeds) > 1
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


@given(
    model=st.sampled_from(list(REGISTRY.values())),
    steps=st.none() | st.integers(-2, 80),
    guidance=st.none() | st.floats(-2, 20),
    count=st.none() | st.integers(-1, 12),
    quality=st.none() | st.integers(-5, 120),
    seed=st.none() | st.integers(-1, MAX_SEED + 1),
    refs=st.integers(0, 10),
)
def test_what_is_settled_is_always_within_the_models_bounds(
    model: Model,
    steps: int | None,
    guidance: float | None,
    count: int | None,
    quality: int | None,
    seed: int | None,
    refs: int,
) -> None:
    """Whatever was asked: a request inside every bound of the model, that survives JSON, or one sentence."""
    try:
        request, _ = settle(
            model, "a fox", reference_images=references(refs), steps=steps, guidance=guidance,
            count=count, output_quality=quality, seed=seed,
        )  # fmt: skip
    except InvalidRequest as refused:
        sentence = str(refused)
        assert sentence.endswith(".")
        return
    assert model.min_steps <= request.num_inference_steps <= model.max_steps
    assert (request.guidance_scale is None) == (model.default_guidance is None)
    assert 1 <= request.count <= model.max_count
    assert len(request.reference_images) <= model.max_references
    assert GenerationRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        (KLEIN, {"prompt": " \n "}, "The prompt is empty; say in a few words what the picture should show."),
        (KLEIN, {"prompt": "x" * (MAX_PROMPT + 1)}, "The prompt has 6001 characters; shorten it to at most 6000."),
        (KLEIN, {"steps": 5}, "klein-4b always takes 4 steps (its weights are step-distilled); leave the option out."),
        (BASE, {"steps": 51}, "Steps 51 is out of range; give 1 to 50."),
        (KLEIN, {"guidance": 2.0}, "klein-4b takes no guidance (its weights are distilled); leave the option out."),
        (DEV, {"guidance": 10.5}, "Guidance 10.5 is out of range; give 0 to 10."),
        (DEV, {"guidance": float("nan")}, "Guidance nan is out of range; give 0 to 10."),
        (KLEIN, {"count": 5}, "Count 5 is out of range; give 1 to 4."),
        (KLEIN, {"seed": -1}, "Seed -1 is out of range; give 0 to 4294967295."),
        (KLEIN, {"output_quality": 101}, "Quality 101 is out of range; give 0 to 100."),
        (KLEIN, {"output_format": "tiff"}, "Format “tiff” is not known; choose webp, png or jpeg."),
        (KLEIN, {"reference_images": references(5)},
         "klein-4b takes at most 4 reference images, and 5 were given; remove some."),
        (KLEIN, {"strength": 0.5}, "Strength is for a picture that is drawn anew; give one, or leave strength out."),
        (KLEIN, {"strength": 1.5, "init_image": references(1)[0]}, "Strength 1.5 is out of range; give 0.05 to 1."),
    ],
)  # fmt: skip
def test_refusals_name_the_value_and_the_limit(model: Model, options: dict[str, Any], sentence: str) -> None:
    """Each refusal is one sentence with what was sent and what to send instead."""
    prompt = str(options.pop("prompt", "a fox"))
    with pytest.raises(InvalidRequest) as refused:
        settle(model, prompt, **options)
    assert str(refused.value) == sentence


def test_the_longest_prompt_is_taken_whole() -> None:
    """6000 characters pass."""
    assert len(settle(KLEIN, "x" * MAX_PROMPT)[0].prompt) == MAX_PROMPT


def test_the_first_reference_gives_the_shape() -> None:
    """A 640x480 reference makes a 4:3 picture unless an aspect or a size says otherwise."""
    assert (settle(KLEIN, "a fox", reference_images=references(1))[0].width) == 1184
    square, _ = settle(KLEIN, "a fox", reference_images=references(1), aspect="1:1")
    assert (square.width, square.height) == (1024, 1024)


@pytest.mark.parametrize(
    ("side", "across", "options", "expected"),
    [
        (1000, 760, {}, (992, 768)),
        (2048, 2048, {}, (2048, 2048)),
        (4096, 2048, {}, (2880, 1440)),
        (1000, 760, {"size": "512x512"}, (512, 512)),
        (1000, 760, {"aspect": "1:1"}, (1024, 1024)),
    ],
)
def test_a_picture_drawn_anew_keeps_its_size(
    side: int, across: int, options: dict[str, Any], expected: tuple[int, int]
) -> None:
    """Snapped, and as large as the model draws; whatever shape the references have."""
    picture = ReferenceImage(sha256="b" * 64, width=side, height=across)
    request, notes = settle(KLEIN, "a fox", init_image=picture, reference_images=references(1), **options)
    assert (request.width, request.height) == expected
    assert request.strength == DEFAULT_STRENGTH
    assert not any("shape" in note for note in notes)


def test_seeds_count_up_and_wrap() -> None:
    """Picture i is drawn with seed + i, and the last seed is followed by 0."""
    assert settle(KLEIN, "a fox", seed=7, count=4)[0].seeds == (7, 8, 9, 10)
    assert settle(KLEIN, "a fox", seed=MAX_SEED, count=2)[0].seeds == (MAX_SEED, 0)


def test_cost_grows_with_what_the_seconds_grow_with() -> None:
    """Twice the pictures or four times the pixels cost that much more; a reference adds its pixels."""
    one = settle(KLEIN, "a fox", size="512x512")[0].cost
    assert settle(KLEIN, "a fox", size="512x512", count=2)[0].cost == 2 * one
    assert settle(KLEIN, "a fox", size="1024x1024")[0].cost == 4 * one
    with_reference = settle(KLEIN, "a fox", size="512x512", reference_images=references(1))[0].cost
    assert with_reference == one * (1 + 640 * 480 / 512**2)


def test_jpg_means_jpeg() -> None:
    """The spelling members use is understood, in any case."""
    assert settle(KLEIN, "a fox", output_format="JPG")[0].output_format == "jpeg"


def test_a_request_refuses_what_it_does_not_know_or_cannot_draw() -> None:
    """The value itself, as read from the wire, refuses unknown fields and sizes off the grid, and cannot be changed."""
    good = {"model": "m", "prompt": "p", "width": 64, "height": 64, "num_inference_steps": 1, "seed": 0}
    request = GenerationRequest.model_validate(good)
    for bad in ({"width": 65}, {"height": 0}, {"extra": 1}, {"seed": -1}, {"prompt": ""}):
        with pytest.raises(ValidationError):
            GenerationRequest.model_validate(good | bad)
    with pytest.raises(ValidationError):
        request.seed = 3  # type: ignore[misc]


def test_each_picture_can_be_asked_for_by_itself() -> None:
    """Pictures of a count have a seed of their own, pictures of a list a prompt of their own."""
    several, _ = settle(KLEIN, "a fox", seed=7, count=2)
    listed, _ = settle(KLEIN, "a {red|blue} fox", seed=7)
    alone = [several.of_picture(1), listed.of_picture(1)]
    assert [(one.prompt, one.seed, one.count, one.variants) for one in alone] == [
        ("a fox", 8, 1, ()),
        ("a blue fox", 7, 1, ()),
    ]


def test_quality_beside_png_is_said_to_be_ignored() -> None:
    """A quality is taken and stored, and the member learns that png has none."""
    assert settle(KLEIN, "a fox", output_format="png", output_quality=50)[1] == (
        "Quality was ignored: png is lossless.",
    )
    assert settle(KLEIN, "a fox", output_format="webp", output_quality=50)[1] == ()


def test_a_list_in_a_style_means_the_same_pictures_again() -> None:
    """Its prompt holds the style's words, so that a form or a recipe that has nothing else draws the very same."""
    style = Style(name="film", title="Film", kind="recipe", before="A photo of", after="grain, #1B6B6F haze")
    request, _ = settle(KLEIN, "a {red|blue} fox", style=style, seed=7)
    assert request.variants[0].prompt.startswith("A photo of a red fox, grain")
    assert settle(KLEIN, request.prompt, seed=7)[0] == request
