"""flux2.grid: the picture under its cells."""

import pytest
from PIL import Image

from flux2 import region
from flux2.grid import MAX_SIDE, MIN_SIDE, gridded


@pytest.mark.parametrize("size", [(64, 64), (3000, 2000), (80, 600), (1000, 999)])
def test_each_cell_is_named_and_bordered(size: tuple[int, int]) -> None:
    """At any size: large enough to look at, dark and light in each cell's corner, and its middle untouched."""
    shown = gridded(Image.new("RGB", size, (90, 120, 150)))
    assert MIN_SIDE <= max(shown.size) <= MAX_SIDE
    assert shown.width / shown.height == pytest.approx(size[0] / size[1], rel=0.02)
    for left, top, right, bottom in region.boxes(region.PLACES, *shown.size):
        (darkest, lightest), *_ = shown.crop((left, top, left + 24, top + 20)).getextrema()
        assert (darkest < 30, lightest > 220) == (True, True)
        assert shown.getpixel(((left + right) // 2, (top + bottom) // 2)) == (90, 120, 150)
