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
def test_the_reduced_result_is_near_the_source(width: int, height: int) -> None:
    """Whatever the model drew: most of what it shifted comes back, also for odd sizes."""
    source = Image.fromarray(noise(1, height // 2, width // 2).astype(np.uint8))
    plain = np.asarray(source.resize((width, height), Image.Resampling.LANCZOS), np.float32)
    grain = np.random.default_rng(2).normal(0, 12, plain.shape).astype(np.float32)
    drawn = np.clip(plain * 0.8 + 40 + grain, 0, 255)
    apart = [
        np.abs(np.asarray(one.resize(source.size, Image.Resampling.BOX), float) - np.asarray(source, float)).mean()
        for one in (Image.fromarray(drawn.astype(np.uint8)), match(drawn, source, 1))
    ]
    assert apart[1] < 0.35 * apart[0]


def test_a_soft_edge_beside_a_sharp_one_has_no_echo() -> None:
    """Nothing is brighter or darker than both what the model drew and what plain enlarging shows."""
    ramp = np.clip((np.arange(32) - 8) * 16, 0, 255).astype(np.uint8)
    source = Image.fromarray(np.repeat(np.tile(ramp, (32, 1))[:, :, None], 3, 2))
    sharp = np.zeros((128, 128, 3), np.float32)
    sharp[:, 64:] = 255
    plain = np.asarray(source.resize((128, 128), Image.Resampling.LANCZOS), float)
    shown = np.asarray(match(sharp.copy(), source, 1), float)
    assert (shown >= np.minimum(sharp, plain) - 0.5).all()
    assert (shown <= np.maximum(sharp, plain) + 0.5).all()


def test_a_picture_that_was_not_enlarged_keeps_something_of_the_models() -> None:
    """It is compared at half its size, so the model's finest detail stays."""
    source, drawn = Image.fromarray(noise(1, 64, 64).astype(np.uint8)), noise(2, 64, 64)
    checkers = (np.indices((64, 64)).sum(0) % 2 * 40.0)[:, :, None].astype(np.float32)
    shown = np.asarray(match(np.clip(drawn * 0.5 + 60 + checkers, 0, 255), source, 1), float)
    assert np.abs(np.diff(shown, axis=1)).mean() > np.abs(np.diff(np.asarray(source, float), axis=1)).mean() + 5


def test_without_strength_nothing_is_put_back() -> None:
    """At creativity 1 the result owes the source nothing."""
    drawn = noise(2, 64, 64)
    shown = match(drawn.copy(), Image.new("RGB", (32, 32)), strength(1))
    assert (np.asarray(shown) == np.rint(drawn)).all()


def test_all_is_put_back_up_to_the_default_creativity() -> None:
    """From there on less and less."""
    assert [strength(c) for c in (0, 0.3)] == [1, 1]
    assert 0.9 > strength(0.5) > strength(0.8) > strength(0.99) > 0
