"""flux2.upscaling.request: what one upscale asks for, and the sentence for what cannot be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.models import REGISTRY
from flux2.request import ReferenceImage
from flux2.upscaling.request import MAX_PIXELS, MIN_SOURCE_SIDE, settle, target

KLEIN, DEV = REGISTRY["klein-4b"], REGISTRY["dev"]


def picture(width: int = 1024, height: int = 768) -> ReferenceImage:
    return ReferenceImage(sha256="a" * 64, width=width, height=height)


def test_unset_values_take_the_defaults() -> None:
    """A picture alone is enough: 2×, creativity 0.3, guidance 1, 20 steps, whatever the model's own steps are."""
    request, notes = settle(DEV, picture(), seed=3)
    assert (request.width, request.height, request.creativity, request.guidance_scale) == (2048, 1536, 0.3, 1.0)
    assert (request.num_inference_steps, request.method, request.seeds, notes) == (20, "flux", (3,), ())
    assert settle(KLEIN, picture())[0].num_inference_steps == 20


def test_a_distilled_model_says_that_guidance_was_not_used() -> None:
    """The upscale is made all the same, without it."""
    request, notes = settle(KLEIN, picture(), guidance=2)
    assert request.guidance_scale is None
    assert notes == ("klein-4b takes no guidance (its weights are distilled), so 2 was not used.",)
    assert settle(KLEIN, picture(), guidance=1)[1] == ()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"factor": 9}, "Factor 9 is out of range; give 1 to 4."),
        ({"factor": 0.5}, "Factor 0.5 is out of range; give 1 to 4."),
        ({"creativity": -1}, "Creativity -1 is out of range; give 0 to 1."),
        ({"guidance": 7}, "Guidance 7 is out of range; give 1 to 4."),
        ({"steps": 3}, "Steps 3 is out of range; give 4 to 50."),
        ({"seed": -1}, "Seed -1 is out of range; give 0 to 4294967295."),
        ({"method": "magic"}, "Method “magic” is not known; choose flux or classic."),
        ({"factor": 2, "size": "4"}, "Give either a factor or a size, not both."),
        ({"size": "huge"}, "Size “huge” is not understood; use 1, 2, 4, 8, 16 (megapixels) or WxH such as 2048x1536."),
        ({"size": "9000x9000"}, "Size 9000x9000 is out of reach of a picture of 1024x768; give 1024x768 to 4096x3072."),
        ({"size": "100x100"}, "Size 100x100 is out of reach of a picture of 1024x768; give 1024x768 to 4096x3072."),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    """It names the value and what to give instead."""
    with pytest.raises(InvalidRequest) as refusal:
        settle(KLEIN, picture(), **options)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("size", "options", "sentence"),
    [
        ((1, 1), {}, "The picture is 1x1; each side has to be at least 32 pixels to be enlarged."),
        (
            (8660, 5774),
            {},
            "The picture is 8660x5774, more than the 16 megapixels an upscale ends at; scale it down first.",
        ),
        (
            (3000, 2000),
            {"factor": 3},
            "9000x6000 is more than the 16 megapixels an upscale ends at; "
            "for a picture of 3000x2000 give a factor of at most 1.67.",
        ),
    ],
)
def test_pictures_that_are_too_small_or_too_large(
    size: tuple[int, int], options: dict[str, Any], sentence: str
) -> None:
    """They are refused before anything is downloaded or drawn."""
    with pytest.raises(InvalidRequest) as refusal:
        settle(KLEIN, picture(*size), **options)
    assert str(refusal.value) == sentence


def test_a_large_picture_gets_the_factor_that_still_fits() -> None:
    """Where none was asked for, and it is said."""
    request, notes = settle(KLEIN, picture(3000, 2000))
    assert (request.width, request.height) == (5017, 3344)
    assert notes == ("Enlarged 1.67×, to the 16 megapixels that can be.",)


def test_a_size_is_a_box_the_picture_is_fitted_into() -> None:
    """Its shape is kept, and that is said where it matters."""
    assert target((1024, 768), None, "2048x1536") == (2048, 1536, None)
    assert target((1024, 768), None, "2048x2048") == (
        2048,
        1536,
        "Size 2048x2048 became 2048x1536, which keeps the picture's shape.",
    )
    assert target((1024, 1024), None, "4") == (2048, 2048, None)
    assert target((1024, 1024), None, "16") == (4096, 4096, None)


@given(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), st.none() | st.floats(0.1, 9))
def test_no_result_is_larger_than_allowed_or_of_another_shape(source: tuple[int, int], factor: float | None) -> None:
    """Whatever was asked for: at most 4096 x 4096 pixels, the shape kept to half a pixel, or a refusal."""
    try:
        width, height, _ = target(source, factor, None)
    except InvalidRequest:
        assert factor is not None or min(source) < MIN_SOURCE_SIDE or source[0] * source[1] > MAX_PIXELS / 1.1**2
        return
    assert width * height <= MAX_PIXELS
    assert abs(width / source[0] - height / source[1]) <= 1.5 / min(source)
