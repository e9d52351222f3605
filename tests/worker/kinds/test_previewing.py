"""Previews of a picture in the making."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from flux2.engine import Engine
from flux2.errors import GenerationCancelled, ScreeningRefused
from flux2.models import REGISTRY
from flux2.request import GenerationRequest, settle
from flux2.screening.port import Screening
from worker.blobs import FileBlobs
from worker.kinds.drawing import draw
from worker.kinds.kit import Kit
from worker.kinds.previewing import _Previews

STEPS = 12


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample model."""
    return Engine.load(REGISTRY["sample"], device="cpu", threads=1)


@pytest.fixture
def kit(engine: Engine, tmp_path: Path) -> Iterator[Kit]:
    """A child's kit that previews at every step."""
    with ThreadPoolExecutor(1) as saver:
        yield Kit(engine, FileBlobs(tmp_path), saver, preview_interval_s=1e-6)


class Nods:
    """A question that is always answered with no objection."""

    sees = True

    def of_prompt(self, _: object) -> str | None:
        """Nothing against it."""
        return None

    of_image = of_prompt


def request(engine: Engine) -> GenerationRequest:
    """A picture of many steps."""
    return settle(engine.model, "a red circle", seed=1, steps=STEPS)[0]


def files(folder: Path) -> int:
    """How many blobs there are."""
    return sum(path.is_file() for path in folder.rglob("*"))


def test_previews_are_small_pictures_while_it_is_drawn_and_gone_afterwards(
    kit: Kit, engine: Engine, tmp_path: Path
) -> None:
    """Each can be read when it is told of; in the end only the picture itself is kept."""
    seen: list[Image.Image] = []
    product = draw(
        request(engine), kit, lambda *_: None, lambda sha256: seen.append(Image.open(io.BytesIO(kit.blobs.get(sha256))))
    )
    assert 1 <= len(seen) <= STEPS - 2
    assert {image.format for image in seen} == {"WEBP"}
    assert len(product.pictures) == 1
    assert files(tmp_path) == 1


def test_a_cancelled_picture_leaves_no_preview(kit: Kit, engine: Engine, tmp_path: Path) -> None:
    """However a render ends, its previews go."""
    shown: list[str] = []

    def on_step(phase: str, step: int, steps: int) -> None:
        if shown:
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        draw(request(engine), kit, on_step, shown.append)
    assert files(tmp_path) == 0


def test_a_short_render_shows_none(kit: Kit, engine: Engine) -> None:
    """The first comes after one interval; none at all where the interval is 0."""
    shown: list[str] = []
    for interval_s in (60.0, 0.0):
        draw(request(engine), replace(kit, preview_interval_s=interval_s), lambda *_: None, shown.append)
    assert shown == []


def test_a_preview_that_cannot_be_kept_costs_only_itself(kit: Kit, engine: Engine) -> None:
    """A listener or store that fails leaves the picture as it is."""

    def show(_: str) -> None:
        raise OSError("nobody listens")

    assert len(draw(request(engine), kit, lambda *_: None, show).pictures) == 1


def test_a_slow_look_is_followed_by_a_pause_fifty_times_as_long(kit: Kit) -> None:
    """Previews cost a fiftieth of the time from the first on, however slow the decoder is."""
    seconds, looks = 0.0, 0

    def look() -> Image.Image:
        nonlocal seconds, looks
        seconds, looks = seconds + 0.4, looks + 1
        return Image.new("RGB", (8, 8))

    previews = _Previews(replace(kit, preview_interval_s=5.0), lambda _: None, lambda: seconds)
    for _step in range(100):
        seconds += 0.5
        previews.glimpse(look)
        if previews._saving is not None:
            previews._saving.result()
    previews.clear()
    assert looks == 3
    assert looks * 0.4 <= 0.02 * (seconds - 5.0) + 0.4


class Censor:
    """Objects to every picture."""

    def objection(self, image: Image.Image) -> str | None:
        """Object."""
        return "it is a picture"


def test_nothing_is_shown_before_a_model_was_asked_about_the_result(kit: Kit, engine: Engine) -> None:
    """The encoder belongs to the model that draws meanwhile; the picture itself is asked about, and shown."""
    shown: list[str] = []
    asking = replace(kit, screening=Screening(question=Nods(), asks=True))
    assert len(draw(request(engine), asking, lambda *_: None, shown.append).pictures) == 1
    assert shown == []


def test_nothing_is_shown_that_a_screen_objects_to(kit: Kit, engine: Engine) -> None:
    """A preview passes the same screens as the picture."""
    shown: list[str] = []
    with pytest.raises(ScreeningRefused):
        draw(request(engine), replace(kit, screening=Screening(images=(Censor(),))), lambda *_: None, shown.append)
    assert shown == []
