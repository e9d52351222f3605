"""flux2.upscaling.likeness: made small again, the result is what it came from."""

import numpy as np
import pytest
from PIL import Image

from flux2.upscaling.likeness import match, strength


def noise(seed: int, height: int, width: int) -> np.ndarray:
    """A picture of soft blots, float32 of 0 to 255."""
    small = np.random.default_rng(seed).integers(40, 216, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), np.float32)


@pytest.mark.parametrize(("width", "height"), [(128, 96), (131, 97), (260, 33)])
def test_the_reduced_result_is_the_source(width: int, height: int) -> None:
    """Whatever the model drew: what the source shows comes back to within a per cent, also for odd sizes."""
    source = Image.fromarray(noise(1, height // 2, width // 2).astype(np.uint8))
    matched = match(noise(2, height, width), source, 1)
    again = matched.resize(source.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(again, float) - np.asarray(source, float)).mean() < 2.6


def test_a_picture_that_was_not_enlarged_keeps_something_of_the_models() -> None:
    """It is compared at half its size, so the model's finest detail stays."""
    source, drawn = Image.fromarray(noise(1, 64, 64).astype(np.uint8)), noise(2, 64, 64)
    checkers = (np.indices((64, 64)).sum(0) % 2 * 40.0)[:, :, None].astype(np.float32)
    shown = np.asarray(match(np.clip(drawn * 0.5 + 60 + checkers, 0, 255), source, 1), float)
    assert np.abs(np.diff(shown, axis=1)).mean() > np.abs(np.diff(np.asarray(source, float), axis=1)).mean() + 10


def test_without_strength_nothing_is_put_back() -> None:
    """At creativity 1 the result owes the source nothing."""
    drawn = noise(2, 64, 64)
    shown = match(drawn.copy(), Image.new("RGB", (32, 32)), strength(1))
    assert (np.asarray(shown) == np.rint(drawn)).all()


def test_all_is_put_back_up_to_the_default_creativity() -> None:
    """From there on less and less."""
    assert [strength(c) for c in (0, 0.3)] == [1, 1]
    assert 0.9 > strength(0.5) > strength(0.8) > strength(0.99) > 0
