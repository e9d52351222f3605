"""flux2.redrawing: pictures drawn anew from a finished one, through every class of pipeline."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from flux2.checkpoint import resolve
from flux2.engine import Engine
from flux2.errors import GenerationCancelled, ScreeningRefused
from flux2.pipeline import generate
from flux2.request import GenerationRequest, ReferenceImage, settle
from flux2.screening.port import Screening
from flux2.training.reader import Seen, read

SUBTLE, STRONG = 0.6, 0.8
GREEN = Image.new("RGB", (64, 96), "seagreen")


def varied(request: GenerationRequest, strength: float, seed: int) -> GenerationRequest:
    """The same, from a picture of the same size."""
    picture = ReferenceImage(sha256="0" * 64, width=request.width, height=request.height)
    return request.model_copy(update={"init_image": picture, "strength": strength, "seed": seed})


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of the pixels, 0 to 255."""
    return float(np.abs(np.asarray(one).astype(float) - np.asarray(other)).mean())


@pytest.mark.parametrize("kind", ["dev", "klein", "klein-base", "klein-kv"])
def test_at_full_strength_nothing_of_the_picture_is_left(miniatures: Path, kind: str) -> None:
    """Bit for bit the picture drawn without, beside a reference image and with guidance; below that it is another."""
    engine = Engine.load(resolve(str(miniatures / f"flux2-{kind}")), device="cpu", threads=1)
    guidance = 3.0 if engine.model.default_guidance is not None else None
    steps = None if engine.model.has_fixed_steps else 3
    reference = ReferenceImage(sha256="0" * 64, width=64, height=96)
    request, _ = settle(
        engine.model, "a red fox", size="64x96", steps=steps, guidance=guidance, seed=5, reference_images=(reference,)
    )
    references = [Image.new("RGB", (64, 96), "orchid")]
    drawn = {
        strength: generate(engine, varied(request, strength, 5), references, init_image=GREEN).images[0]
        for strength in (1.0, 0.3)
    }
    assert drawn[1.0].tobytes() == generate(engine, request, references).images[0].tobytes()
    assert drawn[0.3].tobytes() != drawn[1.0].tobytes()


PROMPTS = (
    "a large red circle on the left, on a white background",
    "a yellow heart on a black background",
)
SEEDS = (7, 8, 9)


@pytest.fixture(scope="module")
def variations(sample_engine: Engine) -> list[tuple[Image.Image, dict[float, list[Image.Image]]]]:
    """Each prompt's picture, and what is drawn from it by strength."""
    found = []
    for prompt in PROMPTS:
        request, _ = settle(sample_engine.model, prompt, seed=1)
        picture = generate(sample_engine, request).images[0]
        found.append(
            (
                picture,
                {
                    strength: [
                        generate(sample_engine, varied(request, strength, seed), init_image=picture).images[0]
                        for seed in SEEDS
                    ]
                    for strength in (SUBTLE, STRONG)
                },
            )
        )
    return found


def test_a_subtle_variation_keeps_what_the_picture_shows(
    variations: list[tuple[Image.Image, dict[float, list[Image.Image]]]],
) -> None:
    """The ground's colour, the object's colour, place and size; and no two are the same picture."""
    for picture, drawn in variations:
        before = read(picture)
        for variation in drawn[SUBTLE]:
            after = read(variation)
            assert math.dist(before.ground, after.ground) < 10
            assert len(after.objects) == len(before.objects) == 1
            _is_the_same_object(before.objects[0], after.objects[0])
        assert len({image.tobytes() for image in (picture, *drawn[SUBTLE])}) == 1 + len(SEEDS)


def _is_the_same_object(one: Seen, other: Seen) -> None:
    assert math.dist(one.rgb, other.rgb) < 15
    assert math.dist((one.x, one.y), (other.x, other.y)) < 0.04
    assert other.area == pytest.approx(one.area, rel=0.2)


def test_a_strong_variation_differs_more(
    variations: list[tuple[Image.Image, dict[float, list[Image.Image]]]],
) -> None:
    """On average over the seeds, of every picture."""
    for picture, drawn in variations:
        subtle, strong = (
            mean(difference(picture, image) for image in drawn[strength]) for strength in (SUBTLE, STRONG)
        )
        assert 0.5 < subtle < strong


@pytest.mark.parametrize(("strength", "steps"), [(0.01, 1), (0.25, 1), (0.6, 3), (0.8, 4), (1.0, 4)])
def test_steps_are_those_that_are_drawn(sample_engine: Engine, strength: float, steps: int) -> None:
    """Of 4 steps a share is left, never none; progress and previews count it, and so does the cost."""
    request, _ = settle(sample_engine.model, "a red circle", size="64x64", seed=1)
    weaker = varied(request, strength, 2)
    told: list[tuple[str, int, int]] = []
    glimpses: list[Image.Image | None] = []
    generate(
        sample_engine,
        weaker,
        init_image=GREEN,
        on_step=lambda *step: told.append(step),
        on_glimpse=lambda look: glimpses.append(look()),
    )
    assert [step for step in told if step[0] == "denoise"] == [("denoise", i, steps) for i in range(steps + 1)]
    assert len(glimpses) == steps - 1
    assert weaker.cost == request.cost * steps / 4


def test_it_stops_at_a_step_and_the_engine_draws_on(sample_engine: Engine) -> None:
    """A cancel takes effect within a step, and the next picture is the one it would have been."""
    request, _ = settle(sample_engine.model, "a red circle", size="64x64", seed=1)
    before = generate(sample_engine, request).images[0].tobytes()

    def on_step(phase: str, step: int, _steps: int) -> None:
        if (phase, step) == ("denoise", 2):
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        generate(sample_engine, varied(request, SUBTLE, 2), init_image=GREEN, on_step=on_step)
    assert generate(sample_engine, request).images[0].tobytes() == before


def test_the_picture_is_screened(sample_engine: Engine) -> None:
    """What may not be a reference may not be drawn anew either."""

    class No:
        def objection(self, _image: Image.Image) -> str:
            return "it shows nothing"

    request, _ = settle(sample_engine.model, "a red circle", size="64x64", seed=1)
    with pytest.raises(ScreeningRefused, match="the reference image was refused because it shows nothing"):
        generate(sample_engine, varied(request, SUBTLE, 2), init_image=GREEN, screening=Screening(images=(No(),)))


def test_a_request_without_a_picture_is_written_as_ever(sample_engine: Engine) -> None:
    """Workers that never heard of it read every other request; a strength alone is refused."""
    request, _ = settle(sample_engine.model, "a red circle", seed=1)
    assert not {"init_image", "strength"} & set(request.model_dump(mode="json"))
    weaker = varied(request, SUBTLE, 2)
    assert GenerationRequest.model_validate_json(weaker.model_dump_json()) == weaker
    with pytest.raises(ValidationError, match="no picture"):
        GenerationRequest.model_validate({**request.model_dump(), "strength": 0.5})
