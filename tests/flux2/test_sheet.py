"""Contact sheets."""

from __future__ import annotations

import pytest
from PIL import Image

from flux2.sheet import MAX_SIDE, contact_sheet

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]


def blocks(count: int, size: tuple[int, int]) -> list[Image.Image]:
    """Plain pictures of different colours."""
    return [Image.new("RGB", size, COLOURS[number % len(COLOURS)]) for number in range(count)]


def test_every_picture_is_there_whole_in_reading_order() -> None:
    """Four pictures make two rows of two, each at its own size."""
    sheet = contact_sheet(blocks(4, (96, 64)), list("abcd"))
    counts = {colour: count for count, colour in sheet.getcolors(1_000_000) or []}
    assert [counts[colour] for colour in COLOURS[:4]] == [96 * 64] * 4
    width, height = sheet.size
    corners = [(width // 4, height // 4), (3 * width // 4, height // 4), (width // 4, 3 * height // 4 - 10)]
    assert [sheet.getpixel(point) for point in corners] == COLOURS[:3]


def test_labels_are_written_and_long_ones_stay_in_their_cell() -> None:
    """Between two columns nothing is written, however long a label is."""
    images = blocks(2, (96, 64))
    plain, labelled = contact_sheet(images, ["", ""]), contact_sheet(images, ["a very long label " * 9, "night"])
    assert plain.tobytes() != labelled.tobytes()
    middle = plain.width // 2
    assert {labelled.getpixel((middle, y)) for y in range(labelled.height)} == {(24, 25, 28)}


@pytest.mark.parametrize(("count", "size"), [(9, (2048, 2048)), (9, (2048, 256)), (1, (64, 64)), (5, (256, 2048))])
def test_a_sheet_is_bounded(count: int, size: tuple[int, int]) -> None:
    """However many and large, the sheet is one picture of at most MAX_SIDE; small ones are not blown up."""
    sheet = contact_sheet(blocks(count, size), ["x"] * count)
    assert max(sheet.size) <= MAX_SIDE + 40
    assert count > 1 or sheet.width == 64 + 16
