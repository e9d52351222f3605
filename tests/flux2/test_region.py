"""flux2.region: cells by name, where they lie, and the size a part is drawn at."""

from typing import Any

import pytest

from flux2 import region
from flux2.errors import InvalidRequest
from flux2.models import MEGAPIXEL, REGISTRY
from flux2.request import GenerationRequest, ReferenceImage, settle

KLEIN = REGISTRY["klein-4b"]


def picture(width: int = 1024, height: int = 1024) -> ReferenceImage:
    return ReferenceImage(sha256="a" * 64, width=width, height=height)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("A1", "A1"),
        ("a1-b2", "A1 B1 A2 B2"),
        ("B2 – A1", "A1 B1 A2 B2"),
        ("C1:A3", "A1 B1 C1 A2 B2 C2 A3 B3 C3"),
        ("c3, a1 b2", "A1 B2 C3"),
        ("A1-A3,C2,A2", "A1 A2 C2 A3"),
        ("A1 to C1", "A1 B1 C1"),
    ],
)
def test_cells_are_read_as_people_write_them(text: str, cells: str) -> None:
    """Ranges from any corner, lists with any sign between, any case; each cell once, row by row."""
    assert region.parse(text) == tuple(cells.split())


@pytest.mark.parametrize("text", ["D1", "A4", "A", "sky", "A1-B", "A1-B2-C3-", "", " , "])
def test_a_name_that_is_no_cell_is_refused_in_one_sentence(text: str) -> None:
    """The sentence names cells that are there."""
    with pytest.raises(InvalidRequest, match="A1"):
        region.parse(text)


@pytest.mark.parametrize("text", ["A1", "A1-B2", "A1-C3", "A2-C2", "A1,C3", "A1,B1,A2"])
def test_cells_are_told_as_they_are_read(text: str) -> None:
    """What is told is read as the same cells, a rectangle by its corners."""
    assert region.told(region.parse(text)) == text


def test_the_grid_covers_every_pixel_once() -> None:
    """At sizes that three does not divide, no pixel is left out or taken twice."""
    for width, height in ((128, 128), (100, 75), (65, 1000)):
        areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in region.boxes(region.PLACES, width, height)]
        assert sum(areas) == width * height
    assert region.boxes(["A1", "C3"], 90, 60) == [(0, 0, 30, 20), (60, 40, 90, 60)]


def test_the_part_is_drawn_at_the_pictures_own_size() -> None:
    """In multiples of 16; larger pictures are reduced to what the model takes, tiny ones enlarged to its least side."""
    assert region.drawing_size(KLEIN, 1000, 750) == (992, 752)
    for width, height in ((4000, 3000), (8000, 1000), (1030, 1030)):
        drawn = region.drawing_size(KLEIN, width, height)
        assert 0.9 * MEGAPIXEL < drawn[0] * drawn[1] <= MEGAPIXEL
        assert drawn[0] / drawn[1] == pytest.approx(width / height, rel=0.05)
    assert min(region.drawing_size(KLEIN, 40, 80)) == KLEIN.min_side


def test_a_masked_request_keeps_the_pictures_size_and_is_lossless() -> None:
    """The first picture decides, png is the default, the note says where; a format that was asked for stays."""
    mask = picture(512, 512)
    asked = settle(KLEIN, "a hat", reference_images=(picture(),), region=("B2", "A1"), mask_image=mask)
    request, notes = asked
    assert (request.width, request.height, request.output_format) == (1024, 1024, "png")
    assert (request.region, request.mask_image) == (("A1", "B2"), mask)
    assert notes == ("Only A1,B2 and the mask was drawn anew.",)
    kept, _ = settle(KLEIN, "a hat", reference_images=(picture(),), region=("B2",), output_format="webp")
    assert kept.output_format == "webp"


def test_what_is_not_masked_is_written_as_before() -> None:
    """A worker that never heard of masks draws everything else."""
    request, _ = settle(KLEIN, "a hat", reference_images=(picture(),))
    assert not {"region", "mask_image"} & request.model_dump().keys()
    masked, _ = settle(KLEIN, "a hat", reference_images=(picture(),), region=("B2",))
    assert GenerationRequest.model_validate_json(masked.model_dump_json()) == masked


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"region": ("A1",)}, "needs a picture to change"),
        ({"reference_images": (picture(),), "region": ("A1",), "size": "2"}, "leave size and aspect out"),
        ({"reference_images": (picture(),), "region": ("A1",), "aspect": "16:9"}, "leave size and aspect out"),
        ({"reference_images": (picture(),), "mask_image": picture(1024, 768)}, "1024x768 and the picture 1024x1024"),
    ],
)
def test_a_mask_that_fits_nothing_is_refused(options: dict[str, Any], sentence: str) -> None:
    """One sentence each, before any pixel is touched."""
    with pytest.raises(InvalidRequest, match=sentence):
        settle(KLEIN, "a hat", **options)


def test_a_model_that_takes_no_mask_says_so() -> None:
    """As a worker of an earlier version advertises it: the sentence says what to do."""
    earlier = KLEIN.model_copy(update={"masked_pixels": 0})
    with pytest.raises(InvalidRequest, match="choose another model, or leave region and mask out"):
        settle(earlier, "a hat", reference_images=(picture(),), region=("A1",))
