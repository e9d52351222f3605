"""Requests made from a picture that pleases: varied, and made final; and what its pictures are called."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from bot.ledger.job import Job, State
from bot.picks import choices
from bot.refusal import Refusal
from bot.skeletons import skeleton
from bot.variations import STRONG, SUBTLE, finer, finished, varied
from flux2.models import BY_QUALITY, REGISTRY, better
from flux2.request import GenerationRequest, ReferenceImage, settle
from flux2.upscaling.request import NEUTRAL, UpscaleRequest
from flux2.upscaling.request import settle as settle_upscale
from worker.contract import Picture

SAMPLE, KLEIN, DEV = REGISTRY["sample"], REGISTRY["klein-4b"], REGISTRY["dev"]
OTHER = ReferenceImage(sha256="e" * 64, width=64, height=64)


def job(request: GenerationRequest | UpscaleRequest, **changes: Any) -> Job:
    """A job that was drawn as asked; a list's pictures have their sheet."""
    count = request.count + bool(getattr(request, "variants", ()))
    drawn = tuple(
        Picture(
            sha256=f"{number}" * 64, output_format="webp", width=request.width, height=request.height,
            size_bytes=1, seed=1,
        )
        for number in range(1, count + 1)
    )  # fmt: skip
    fresh = Job(
        id="0123456789abcdef", idempotency_key="i1", source="imagine", user_id=11, guild_id=22, channel_id=33,
        request=request, skeleton=skeleton("0123456789abcdef", request, 11, 10_000_000), state=State.CLOSED,
        created_at=datetime.datetime.now(datetime.UTC), pictures=drawn,
    )  # fmt: skip
    return dataclasses.replace(fresh, **changes)


def picture(request: Any, number: int = 1) -> ReferenceImage:
    """Its picture `number`."""
    return ReferenceImage(sha256=f"{number}" * 64, width=request.width, height=request.height)


def test_a_variation_is_the_same_request_over_the_picture() -> None:
    """Words, references, size, steps and how many stay; the seed is new."""
    old, _ = settle(DEV, "a hat as in image 1", reference_images=(OTHER,), steps=12, guidance=3, count=2, seed=5)
    request, notes = varied(job(old), DEV, 2, picture(old, 2), SUBTLE)
    kept = old.model_copy(update={"init_image": picture(old, 2), "strength": SUBTLE, "seed": request.seed})
    assert request == kept
    assert GenerationRequest.model_validate_json(request.model_dump_json()) == request
    assert notes == ("From image 2 of 2.",)


def test_a_variation_of_one_of_a_list_is_drawn_by_its_own_words() -> None:
    """Once, not once for each word of the list."""
    old, _ = settle(SAMPLE, "a {red|blue} circle")
    request, _ = varied(job(old), SAMPLE, 2, picture(old, 2), STRONG)
    assert (request.prompt, request.count, request.variants) == ("a blue circle", 1, ())


def test_a_variation_by_another_model_takes_what_that_takes() -> None:
    """Where the one that drew it is gone: its own steps and guidance, and the picture's size."""
    old, _ = settle(DEV, "a fox", steps=12, guidance=3, size="1920x1088")
    request, _ = varied(job(old), KLEIN, 1, picture(old), SUBTLE)
    assert (request.model, request.num_inference_steps, request.guidance_scale) == ("klein-4b", 4, None)
    assert (request.width, request.height, request.strength) == (1920, 1088, SUBTLE)


@pytest.mark.parametrize(
    ("recipe", "words", "prompt"),
    [("a red fox", "a fox, sharp", "a red fox"), ("", "a caption", "a caption"), ("", None, NEUTRAL)],
)
def test_an_upscale_is_varied_by_the_words_that_are_known(recipe: str, words: str | None, prompt: str) -> None:
    """At most as large as the model draws."""
    old, _ = settle_upscale(
        KLEIN, ReferenceImage(sha256="a" * 64, width=1024, height=1024), factor=4, recipe=recipe, seed=1
    )
    request, _ = varied(job(old, words=words), KLEIN, 1, picture(old), SUBTLE)
    assert (request.prompt, request.width, request.height) == (prompt, 2048, 2048)
    assert request.init_image == picture(old)


def test_the_models_are_in_order() -> None:
    """Every model has its place; one given by path has none."""
    assert set(BY_QUALITY) == set(REGISTRY)
    assert better("klein-4b", REGISTRY) is DEV
    assert better("klein-4b", {"sample": SAMPLE}) is None
    assert better("my-own", REGISTRY) is None


def test_the_finer_model_is_a_better_one_or_the_same_with_all_its_steps() -> None:
    """None where nothing better runs; nor for what was enlarged."""
    quick, _ = settle(DEV, "a fox", steps=10)
    full, _ = settle(DEV, "a fox")
    draft, _ = settle(SAMPLE, "a fox")
    live = {"dev": DEV, "sample": SAMPLE}
    assert finer(quick, live) is DEV
    assert finer(full, live) is None
    assert finer(draft, live) is DEV
    assert finer(draft, {"sample": SAMPLE}) is None
    assert finer(quick, {"sample": SAMPLE}) is None
    enlarged, _ = settle_upscale(SAMPLE, OTHER)
    assert finer(enlarged, live) is None


def test_a_final_looks_at_the_draft_as_image_1() -> None:
    """The words speak of the references that were there before by their new numbers; a small draft becomes large."""
    old, _ = settle(SAMPLE, "a hat as in image 1", reference_images=(OTHER,), size="192x128", seed=5, count=4)
    request, notes = finished(job(old), {"klein-4b": KLEIN}, 3, picture(old, 3))
    assert request.prompt == "a hat as in image 2"
    assert request.reference_images == (picture(old, 3), OTHER)
    assert (request.model, request.num_inference_steps, request.count, request.seed) == ("klein-4b", 4, 1, 7)
    assert request.width / request.height == pytest.approx(1.5, rel=0.02)
    assert request.width * request.height == pytest.approx(1024 * 1024, rel=0.05)
    assert notes == (
        "From image 3 of 4.",
        "Drawn by klein-4b with the draft as its image 1.",
        "Image 1 decides the shape.",
    )


def test_a_final_of_a_large_draft_keeps_its_size() -> None:
    """And a variation made final is drawn from noise again."""
    old, _ = settle(KLEIN, "a fox", size="1920x1088", init_image=OTHER)
    request, _ = finished(job(old), {"dev": DEV}, 1, picture(old))
    assert (request.width, request.height, request.init_image, request.strength) == (1920, 1088, None, 1)


def test_without_a_better_model_it_is_said() -> None:
    """One sentence with what to do instead."""
    old, _ = settle(SAMPLE, "a fox")
    with pytest.raises(Refusal, match="No better model is running"):
        finished(job(old), {"sample": SAMPLE}, 1, picture(old))


def test_pictures_are_called_by_number_and_what_a_list_names() -> None:
    """The sheet of a list's pictures is no picture to go on from."""
    assert choices(job(settle(SAMPLE, "a fox")[0])) == ("Image 1",)
    assert choices(job(settle(SAMPLE, "a fox", count=2)[0])) == ("Image 1", "Image 2")
    assert choices(job(settle(SAMPLE, "a {red|blue} fox")[0])) == ("Image 1 · red", "Image 2 · blue")
