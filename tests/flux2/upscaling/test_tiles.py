"""flux2.upscaling.tiles: a canvas is covered, and what overlaps adds up."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flux2.upscaling.tiles import layout, profiles, spans


@given(st.integers(1, 300), st.integers(4, 64), st.integers(1, 3), st.sampled_from([1, 16]))
def test_the_weights_of_an_axis_add_up_to_one(length: int, side: int, overlap: int, scale: int) -> None:
    """Everywhere, whatever the length; so blending moves no brightness."""
    axis = spans(length, side, overlap)
    total = np.zeros(length * scale)
    for span, weights in zip(axis, profiles(axis, scale), strict=True):
        total[span.scaled(scale)] += weights
    assert np.allclose(total, 1, atol=1e-6)


@given(st.integers(1, 300), st.integers(4, 64), st.integers(1, 3))
def test_neighbours_share_at_least_the_overlap(length: int, side: int, overlap: int) -> None:
    """And no tile is larger than the model can take."""
    axis = spans(length, side, overlap)
    assert all(before.end - after.start >= overlap for before, after in itertools.pairwise(axis))
    assert (axis[0].start, axis[-1].end) == (0, length)
    assert max(span.size for span in axis) <= side


def test_a_single_tile_is_left_exactly_as_it_is() -> None:
    """Its weights are one to the bit: untiled, the loop is the pipelines' own."""
    only = layout(5, 7, 8, 2)
    assert len(only.tiles) == 1
    assert all((window == 1).all() for window in only.windows(1))


def test_a_tile_fades_in_without_a_kink() -> None:
    """Its weight begins at next to nothing and rises slowly there."""
    faded = profiles(spans(14, 8, 2), 16)[1]
    assert faded[0] < 0.001
    assert np.abs(np.diff(faded, 2)).max() < 0.01
