"""flux2.sizing: output sizes."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.models import MEGAPIXEL, REGISTRY, Model
from flux2.sizing import ASPECTS, MEGAPIXELS, MULTIPLE, fit, settle, shape_note, snap

MODELS = st.sampled_from(list(REGISTRY.values()))
SIDES = st.integers(16, 8000)
KLEIN = REGISTRY["klein-4b"]


@given(ratio=st.floats(1 / 8, 8), pixels=st.integers(128 * 128, 4 * MEGAPIXEL))
def test_fit_keeps_to_the_grid_the_budget_and_the_shape(ratio: float, pixels: int) -> None:
    """Sides are multiples of 16, the area is within the budget and near it, and the shape is right within a token."""
    width, height = fit(ratio, pixels)
    assert width % MULTIPLE == height % MULTIPLE == 0
    assert width * height <= pixels
    assert width * height >= pixels * (1 - 2 * MULTIPLE / min(width, height))
    assert abs(math.log(width / height / ratio)) <= MULTIPLE / min(width, height)


@given(model=MODELS, aspect=st.sampled_from(list(ASPECTS)), size=st.sampled_from([None, *MEGAPIXELS]))
def test_aspects_give_their_shape_within_the_models_bounds(model: Model, aspect: str, size: str | None) -> None:
    """Every aspect at every size a model draws: on the grid, within its pixels, within 7 % of the shape asked for."""
    assume(size is None or float(size) * MEGAPIXEL <= model.max_pixels)
    width, height, note = settle(model, aspect, size)
    across, down = ASPECTS[aspect]
    assert width % MULTIPLE == height % MULTIPLE == 0
    assert width * height <= model.max_pixels
    assert math.isclose(width / height, across / down, rel_tol=0.07)
    assert note is None


@given(model=MODELS, width=SIDES, height=SIDES)
def test_an_explicit_size_is_snapped_and_said_or_refused(model: Model, width: int, height: int) -> None:
    """WxH moves by at most half a token and says so, or is refused with the model's bound; never anything between."""
    try:
        got_width, got_height, note = settle(model, None, f"{width}x{height}")
    except InvalidRequest:
        sides_fit = model.min_side <= min(width, height) and max(width, height) <= model.max_side
        assert not sides_fit or snap(width) * snap(height) > model.max_pixels
        return
    assert abs(got_width - width) <= 8
    assert abs(got_height - height) <= 8
    assert got_width * got_height <= model.max_pixels
    assert (note is None) == ((got_width, got_height) == (width, height))


@given(width=SIDES, height=SIDES)
def test_without_an_aspect_the_first_reference_decides(width: int, height: int) -> None:
    """The shape of the first reference is kept; one longer than 8:1 is refused unless an aspect is chosen."""
    if max(width, height) > 8 * min(width, height):
        with pytest.raises(InvalidRequest, match="choose an aspect"):
            settle(KLEIN, None, None, [(width, height)])
        assert settle(KLEIN, "1:1", None, [(width, height)])[:2] == (1024, 1024)
    else:
        got = settle(KLEIN, None, None, [(width, height)])
        assert math.isclose(got[0] / got[1], width / height, rel_tol=0.05)
        assert got == settle(KLEIN, "match", None, [(width, height)])


@pytest.mark.parametrize(
    ("aspect", "size", "expected"),
    [
        (None, None, (1024, 1024)),
        ("16:9", None, (1360, 768)),
        ("16:9", "0.5", (960, 544)),
        ("9:16", "4", (1536, 2720)),
        ("3:2", "1", (1248, 832)),
        (None, "1000x1000", (992, 992)),
        (None, " 640 X 480 ", (640, 480)),
        (None, "640×480", (640, 480)),
    ],
)
def test_known_sizes(aspect: str | None, size: str | None, expected: tuple[int, int]) -> None:
    """Sizes a reader can check by hand."""
    assert settle(KLEIN, aspect, size)[:2] == expected


def test_the_note_states_both_sizes() -> None:
    """A snapped size is said with what was asked and what is drawn."""
    assert settle(KLEIN, None, "1000x750")[2] == "Size 1000x750 became 992x752 (multiples of 16)."


@pytest.mark.parametrize(
    ("aspect", "size", "sentence"),
    [
        ("5:4", None, "Aspect “5:4” is not known; choose one of 1:1, 16:9"),
        ("match", None, "Aspect “match” needs a reference image"),
        ("16:9", "640x480", "Give either an aspect or a WxH size, not both."),
        (None, "huge", "Size “huge” is not understood; use 0.5, 1, 2, 4 (megapixels) or WxH"),
        (None, "3", "Size “3” is not understood"),
        (None, "100x1000", "100x1000 is out of range; each side of klein-4b is 256 to 1920 pixels."),
        (None, "2000x1000", "2000x1000 is out of range"),
        (None, "0x0", "0x0 is out of range"),
    ],
)
def test_refusals_say_what_to_send_instead(aspect: str | None, size: str | None, sentence: str) -> None:
    """Each size that cannot be drawn is refused by a sentence that names the choice or the limit."""
    with pytest.raises(InvalidRequest) as refused:
        settle(KLEIN, aspect, size)
    assert str(refused.value).startswith(sentence)


def test_the_pixel_cap_is_the_models() -> None:
    """A model that draws 2 megapixels refuses 4, and sides that are allowed singly but too many pixels together."""
    sample = REGISTRY["sample"]
    with pytest.raises(InvalidRequest, match="sample draws at most 2 megapixels"):
        settle(sample, None, "4")
    with pytest.raises(InvalidRequest, match="more than the 2 megapixels sample draws"):
        settle(sample, None, "1920x1920")


def test_any_reference_may_give_the_shape() -> None:
    """match:2 takes the second image's shape; a number without an image is refused with those there are."""
    shapes = [(100, 100), (200, 100)]
    assert settle(KLEIN, "match", None, shapes)[:2] == (1024, 1024)
    assert settle(KLEIN, "match:2", None, shapes) == settle(KLEIN, None, None, [(200, 100)])
    with pytest.raises(InvalidRequest, match="there are images 1 to 2"):
        settle(KLEIN, "match:3", None, shapes)
    with pytest.raises(InvalidRequest, match="there is only image 1"):
        settle(KLEIN, "match:2", None, shapes[:1])


@pytest.mark.parametrize("size", ["1", "1 MP", "1mp", "1 megapixel"])
def test_megapixels_may_carry_their_unit(size: str) -> None:
    """“1 MP” is one megapixel."""
    assert settle(KLEIN, "1:1", size)[:2] == (1024, 1024)


@pytest.mark.parametrize(
    ("aspect", "size", "references", "number"),
    [
        (None, None, 2, 1),
        (None, "1", 2, 1),
        ("match", None, 1, None),
        ("match", None, 2, 1),
        ("match:2", "0.5", 2, 2),
        ("16:9", None, 2, None),
        (None, "640x480", 2, None),
        (None, None, 0, None),
    ],
)
def test_the_image_that_decides_the_shape_is_said(
    aspect: str | None, size: str | None, references: int, number: int | None
) -> None:
    """The first, or the one that was matched; nothing of a single one, or where a size or an aspect was given."""
    said = shape_note(aspect, size, references)
    assert said == (None if number is None else f"Image {number} decides the shape.")
