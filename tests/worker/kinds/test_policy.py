"""What the policy of a job's server does to it in the child, and what the scores do to its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from flux2.engine import Engine
from flux2.models import REGISTRY
from flux2.request import settle
from flux2.screening.policy import Levels, Policy
from flux2.screening.port import Screening
from worker.blobs import FileBlobs
from worker.contract import FailureCode, RenderResult
from worker.kinds.kit import Kit
from worker.pipe import Order
from worker.tasks.render import render


class Redness:
    """Scores how red a picture is on the whole, as a classifier would."""

    def score(self, image: Image.Image) -> float:
        """Mean of the red channel over that of all three."""
        red, green, blue = (sum(band.histogram()[i] * i for i in range(256)) for band in image.convert("RGB").split())
        return red / (red + green + blue)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample model."""
    return Engine.load(REGISTRY["sample"], device="cpu", threads=1)


@pytest.fixture
def kit(engine: Engine, tmp_path: Path) -> Iterator[Kit]:
    """A child's kit whose classifier looks for red; what is half red is hidden, nothing is refused."""
    screening = Screening(scorer=Redness(), levels=Levels(refuse=0.99, hide=0.5))
    with ThreadPoolExecutor(1) as saver:
        yield Kit(engine, FileBlobs(tmp_path), saver, screening)


def draw(kit: Kit, prompt: str, policy: Policy) -> RenderResult:
    """Run one order."""
    request, _ = settle(kit.engine.model, prompt, seed=1)
    order = Order(job_id="j", attempt=1, request=request, policy=policy)
    return render(order, kit, lambda: False, lambda *_: None)


def test_a_servers_words_and_figures_hold_for_its_job_alone(kit: Kit) -> None:
    """Denied words and a lower threshold end the job as refused, and the next one of another server is drawn."""
    said = draw(kit, "a red circle", Policy(deny=("circle",)))
    assert (said.failure, said.reason) == (
        FailureCode.REFUSED, "the prompt was refused because “circle” is not allowed here.",
    )  # fmt: skip
    judged = draw(kit, "a red circle", Policy(refuse_above=0.05))
    assert (judged.failure, judged.pictures) == (FailureCode.REFUSED, ())
    asked = draw(kit, "a red circle", Policy(asks=True))
    assert "has a model look at it first" in (asked.reason or "")
    assert draw(kit, "a red circle", Policy()).failure is None


def test_what_scores_high_but_not_too_high_is_marked_to_be_hidden(kit: Kit) -> None:
    """By the operator's figure or a server's lower one; the contact sheet of a list is hidden with any of its parts."""
    (shown,) = draw(kit, "a red circle", Policy()).pictures
    (hidden,) = draw(kit, "a red circle", Policy(hide_above=0.05)).pictures
    assert (shown.sha256, shown.spoiler, hidden.spoiler) == (hidden.sha256, False, True)
    strict = replace(kit, screening=replace(kit.screening, levels=Levels(refuse=0.99, hide=0.05)))
    assert [one.spoiler for one in draw(strict, "a {red|blue} circle", Policy()).pictures] == [True, True, True]
