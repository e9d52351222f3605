"""flux2.inpainting: what is drawn into the hole, by every pipeline, with one copy of the weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from flux2 import checkpoint
from flux2.engine import Engine
from flux2.errors import GenerationCancelled
from flux2.inpainting import inpaint
from flux2.masking import Patch, mask_of
from flux2.miniature import KINDS
from flux2.pipeline import generate
from flux2.request import GenerationRequest, ReferenceImage, settle
from flux2.training.reader import read

RIGHT = ("C1", "C2", "C3")


def two_circles(size: tuple[int, int] = (192, 128)) -> Image.Image:
    """Two red circles on white, the right one within the right column."""
    large = Image.new("RGB", (1536, 1024), "white")
    for x in (160, 1080):
        ImageDraw.Draw(large).ellipse((x, 320, x + 384, 704), fill=(220, 30, 30))
    return large.resize(size, Image.Resampling.LANCZOS)


def ask(engine: Engine, prompt: str, *images: Image.Image, **options: Any) -> GenerationRequest:
    references = tuple(ReferenceImage(sha256="0" * 64, width=i.width, height=i.height) for i in images)
    request, _ = settle(engine.model, prompt, reference_images=references, seed=1, **options)
    return request


def difference(one: Image.Image, two: Image.Image) -> np.ndarray:
    """The largest difference of a pixel's three values."""
    return np.abs(np.asarray(one).astype(int) - np.asarray(two).astype(int)).max(axis=-1)


@pytest.mark.parametrize("size", [(192, 128), (900, 600)])
def test_only_the_masked_one_changes_its_colour(sample_engine: Engine, size: tuple[int, int]) -> None:
    """Of two red circles the right one turns blue; the left one and every pixel outside stay as they were."""
    before = two_circles(size)
    after = generate(sample_engine, ask(sample_engine, "make it blue", before, region=RIGHT), [before]).images[0]
    kept = np.asarray(mask_of(before, RIGHT)) == 0
    assert after.size == size
    assert difference(before, after)[kept].max() == 0
    middle = np.asarray(after)[size[1] // 2]
    assert middle[round(size[0] * 0.23)][0] > 200
    assert read(after.crop((size[0] // 2, 0, *size))).objects[0].colour == "blue"


def test_a_painted_mask_and_several_pictures(sample_engine: Engine) -> None:
    """With a painted mask, two pictures from it and a further reference: outside 0 in both, inside not the same."""
    before, blue = two_circles(), Image.new("RGB", (100, 80), (30, 60, 220))
    painted = Image.new("L", before.size)
    ImageDraw.Draw(painted).ellipse((130, 35, 188, 93), fill=255)
    request = ask(sample_engine, "image 1 in the color of image 2", before, blue, blue, count=2,
                  mask_image=ReferenceImage(sha256="1" * 64, width=192, height=128))  # fmt: skip
    looks = []
    done = generate(
        sample_engine, request, [before, blue, blue], mask=painted, on_glimpse=lambda look: looks.append(look())
    )
    kept = np.asarray(painted) == 0
    for image in done.images:
        assert difference(before, image)[kept].max() == 0
        assert difference(before, image)[~kept].mean() > 5
    assert done.images[0].tobytes() != done.images[1].tobytes()
    assert [look.size for look in looks if look] == [(request.width, request.height)] * 4


def test_a_circle_around_it_says_which_one(sample_engine: Engine) -> None:
    """Of two red circles the one that is ringed on a copy turns blue; the other and all around stay."""
    before = two_circles((600, 400))
    copy = before.copy()
    ImageDraw.Draw(copy).ellipse((405, 110, 590, 290), outline=(40, 200, 90), width=8)
    mask = ReferenceImage(sha256="1" * 64, width=600, height=400)
    after = generate(sample_engine, ask(sample_engine, "make it blue", before, mask_image=mask), [before], mask=copy)
    kept = np.asarray(mask_of(before, (), copy)) == 0
    assert kept[:, :390].all()
    assert difference(before, after.images[0])[kept].max() == 0
    assert read(after.images[0].crop((300, 0, 600, 400))).objects[0].colour == "blue"


@pytest.mark.parametrize("kind", KINDS)
def test_every_pipeline_fills_the_hole_alone(kind: str, miniatures: Path) -> None:
    """dev, klein, its base and kv: outside 0, something inside; cancelled in the middle, the next picture is whole."""
    engine = Engine.load(checkpoint.resolve(str(miniatures / f"flux2-{kind}")), device="cpu")
    before = two_circles((256, 256))
    request = ask(engine, "a hat", before, region=("B2", "C2"), steps=None if engine.model.has_fixed_steps else 4)

    def stop(phase: str, step: int, _steps: int) -> None:
        if (phase, step) == ("denoise", 2):
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        generate(engine, request, [before], on_step=stop)
    after = generate(engine, request, [before]).images[0]
    kept = np.asarray(mask_of(before, request.region)) == 0
    changed = difference(before, after)
    assert changed[kept].max() == 0
    assert changed[~kept].mean() > 5


def test_no_weight_is_held_twice(sample_engine: Engine) -> None:
    """The class that inpaints is built of the very parts the engine holds."""
    before = two_circles()
    patch = Patch.of(before, mask_of(before, RIGHT), before.size)
    course = inpaint(sample_engine._pipe, patch, [], 1, torch.float32)
    assert type(course.pipe).__name__ == "Flux2KleinInpaintPipeline"
    assert all(course.pipe.components[name] is part for name, part in sample_engine._pipe.components.items())
