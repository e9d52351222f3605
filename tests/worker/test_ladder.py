"""The file ladder: under the limit always, untouched where possible, and honest about what was given up."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flux2.images import encode
from flux2.request import OutputFormat
from worker.ladder import DoesNotFit, fit, fit_all, share


def _noisy(width: int = 320, height: int = 192) -> Image.Image:
    """A picture whose size grows with quality: noise over a gradient."""
    noise = random.Random(7)
    small = Image.frombytes("RGB", (width // 2, height // 2), noise.randbytes(width // 2 * (height // 2) * 3))
    return Image.blend(
        small.resize((width, height)), Image.linear_gradient("L").resize((width, height)).convert("RGB"), 0.6
    )


PICTURE = _noisy()
SOURCES: dict[OutputFormat, bytes] = {
    "png": encode(PICTURE, "png", 80),
    "webp": encode(PICTURE, "webp", 95),
    "jpeg": encode(PICTURE, "jpeg", 95),
}


@pytest.mark.parametrize("output_format", ["png", "webp", "jpeg"])
def test_a_file_within_the_limit_is_sent_as_it_is(output_format: OutputFormat) -> None:
    """Exactly at the limit nothing is touched and nothing is said."""
    data = SOURCES[output_format]
    fitted = fit(data, output_format, len(data))
    assert fitted.data is data
    assert (fitted.output_format, fitted.note) == (output_format, None)


@pytest.mark.parametrize("output_format", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("divisor", [1.01, 2, 5, 15, 30])
def test_every_rung_is_under_the_limit_and_opens_as_what_it_says(output_format: OutputFormat, divisor: float) -> None:
    """Whatever the limit, the bytes fit it, decode, and their type matches the extension and the note."""
    limit = int(len(SOURCES[output_format]) / divisor)
    fitted = fit(SOURCES[output_format], output_format, limit)
    assert len(fitted.data) <= limit
    with Image.open(io.BytesIO(fitted.data)) as image:
        image.load()
        assert image.format == {"webp": "WEBP", "jpg": "JPEG"}[fitted.extension]
        assert image.format in (fitted.note or "").upper()


def test_a_png_just_over_the_limit_loses_no_pixel() -> None:
    """The first rung below PNG is lossless."""
    fitted = fit(SOURCES["png"], "png", len(SOURCES["png"]) - 1)
    assert fitted.note is not None
    assert fitted.note.startswith("Sent as lossless WebP to fit ")
    with Image.open(io.BytesIO(fitted.data)) as image:
        assert image.convert("RGB").tobytes() == PICTURE.tobytes()


def test_less_room_never_gives_more_bytes_and_ends_in_a_smaller_picture() -> None:
    """Descending limits walk WebP, JPEG, then smaller sizes, in that order."""
    steps = [fit(SOURCES["png"], "png", len(SOURCES["png"]) // n) for n in (2, 8, 12, 20, 40, 80)]
    sizes = [len(step.data) for step in steps]
    assert sizes == sorted(sizes, reverse=True)
    assert steps[0].output_format == "webp"
    assert steps[-1].output_format == "jpeg"
    assert "×" in (steps[-1].note or "")


def test_who_asked_for_jpeg_never_gets_webp() -> None:
    """A JPEG steps down within JPEG."""
    assert {fit(SOURCES["jpeg"], "jpeg", len(SOURCES["jpeg"]) // n).output_format for n in (2, 4, 10)} == {"jpeg"}


def test_a_side_too_long_for_webp_goes_straight_to_jpeg() -> None:
    """WebP ends at 16383 pixels; a longer PNG does not fail over it."""
    data = encode(_noisy(16_400, 16), "png", 80)
    assert fit(data, "png", len(data) - 1).output_format == "jpeg"


def test_an_impossible_limit_is_told() -> None:
    """Where even the smallest rung is too large, DoesNotFit is raised instead of a lie."""
    with pytest.raises(DoesNotFit, match="100 bytes"):
        fit(SOURCES["webp"], "webp", 100)


def test_the_files_of_one_message_fit_together() -> None:
    """Four PNGs that each fit but not together are brought under the sum; a small one is left alone."""
    small = encode(PICTURE.resize((32, 32)), "png", 80)
    big = SOURCES["png"]
    total = len(big) * 2
    fitted = fit_all([(big, "png"), (big, "png"), (big, "png"), (small, "png")], limit=len(big), total=total)
    assert sum(len(one.data) for one in fitted) <= total
    assert fitted[3].data is small


@given(st.lists(st.integers(0, 100), min_size=1, max_size=10), st.integers(10, 500))
def test_the_shared_cap_is_the_largest_that_fits(sizes: list[int], total: int) -> None:
    """Capped sizes sum to at most the total; one byte more of cap would not, unless no file is cut at all."""
    cap = share(sizes, total)
    assert sum(min(size, cap) for size in sizes) <= total
    assert cap >= max(sizes) or sum(min(size, cap + 1) for size in sizes) > total
