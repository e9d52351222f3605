"""What became different from one version to the next, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import changes
from bot.ledger.job import Generation, Job, NewJob, State
from flux2.request import ReferenceImage
from flux2.upscaling.request import UpscaleRequest
from worker.contract import Picture

SHA = "a" * 64
SAME = "-# Everything else is the same."


@pytest.fixture
def version(new_job: Callable[..., NewJob]) -> Callable[..., Generation]:
    """A version whose request is changed by the keywords, with one picture."""

    def make(number: int, **request: Any) -> Generation:
        wish = new_job()
        picture = Picture(sha256=SHA, output_format="webp", width=128, height=128, size_bytes=10, seed=1)
        given = {field.name: getattr(wish, field.name) for field in dataclasses.fields(NewJob)}
        given["request"] = wish.request.model_copy(update=request)
        job = Job(**given, state=State.CLOSED, created_at=datetime.now(UTC), pictures=(picture,))
        return Generation(number, job)

    return make


def told(before: Generation, after: Generation) -> list[str]:
    """The lines between the heading and the end."""
    heading, *lines, end = changes.told(before, after).splitlines()
    assert (heading, end) == (f"**v{before.number} → v{after.number}**", SAME)
    return lines


def test_words_and_values_that_differ_are_named(version: Callable[..., Generation]) -> None:
    """Dropped and added words are marked, values stand before and after, what is the same is not named."""
    before = version(1, prompt="a red fox in snow")
    after = version(2, prompt="a *blue* fox in snow", seed=9, width=256, guidance_scale=2.5)
    assert told(before, after) == [
        r"Prompt, ~~dropped~~ **added**: a ~~red~~ **\*blue\*** fox in snow",
        "Size: 128×128 → 256×128",
        "Guidance: – → 2.5",
        "Seed: 1 → 9",
    ]
    assert told(before, version(2, prompt="a red fox in snow", seed=9)) == ["Prompt: the same", "Seed: 1 → 9"]


def test_an_edit_is_told_by_its_instruction(version: Callable[..., Generation]) -> None:
    """Words about another picture are no new version of its prompt."""
    picture = ReferenceImage(sha256=SHA, width=128, height=128)
    edited = version(2, prompt="make it green", reference_images=(picture,))
    assert told(version(1), edited) == [
        "The picture of v1 was changed: “make it green”",
        "Reference images: 0 → 1",
    ]


def test_an_upscale_is_told_as_one(version: Callable[..., Generation]) -> None:
    """It has values of its own; what only one of the two has is a dash on the other side."""
    large = UpscaleRequest(
        model="sample", image=ReferenceImage(sha256=SHA, width=128, height=128), width=256, height=256, seed=1
    )
    after = dataclasses.replace(version(2).job, request=large)
    lines = told(version(1), Generation(2, after))
    assert lines[0] == "The picture of v1 was enlarged."
    assert "Size: 128×128 → 256×256" in lines
    assert "Creativity: – → 0.3" in lines
    assert not any(line.startswith("Strength") for line in lines)


def test_the_longest_changes_fit_a_message(version: Callable[..., Generation]) -> None:
    """Whatever was written, before and after."""
    before, after = version(1, prompt="a *b* " * 1000), version(2, prompt="~c~ d_ " * 800, seed=2)
    assert len(changes.told(before, after)) < 2000


def test_a_change_of_place_is_told(version: Callable[..., Generation]) -> None:
    """Cells by their shortest name, and a mask as such."""
    picture = ReferenceImage(sha256="b" * 64, width=64, height=64)
    before = version(1, reference_images=(picture,), region=("A1", "B1"))
    lines = told(before, version(2, reference_images=(picture,), region=("C3",), mask_image=picture))
    assert lines[1:] == ["Only there: A1-B1 → C3 and mask"]
