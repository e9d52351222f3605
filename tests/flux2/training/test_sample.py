"""The shipped weights through the engine: what the model card reports as passed, on a few fixed questions."""

from pathlib import Path

import pytest
import torch

from flux2.checkpoint import locate
from flux2.engine import Engine
from flux2.models import REGISTRY
from flux2.pipeline import generate
from flux2.request import ReferenceImage, settle
from flux2.training.cases import Case, mark, papers
from flux2.training.evaluate import load
from flux2.training.examples import pictures
from flux2.training.latents import LATENT_LIVE, LIVE, small_of, tokens_of
from flux2.training.quick import score
from flux2.training.reader import read
from flux2.training.start import known_weights, known_words
from flux2.training.text import Words
from flux2.training.transformer import Batch, new_transformer, sample

GRID, LARGE = (8, 8), (16, 16)
N = 12
PASSED = [
    ("one object, held-out", GRID, {"colour": 0.9, "ground": 0.9, "shape": 0.7, "place": 0.8}),
    ("one object, held-out", LARGE, {"colour": 0.9, "ground": 0.9, "place": 0.75}),
    ("hex colour", GRID, {"colour": 0.7}),
    ("edit colour", GRID, {"asked": 0.9}),
    ("edit size", GRID, {"asked": 0.75}),
    ("edit place", GRID, {"asked": 0.7}),
    ("two references: colour", GRID, {"asked": 0.75}),
]


def marks(engine: Engine, cases: list[Case]) -> list[dict[str, bool]]:
    """The engine's answers, drawn as a member's request would be, and marked."""
    found = []
    for seed, case in enumerate(cases):
        height, width = case.pixels
        pictures = case.pictures()
        references = tuple(ReferenceImage(sha256="0" * 64, width=width, height=height) for _ in pictures)
        request, _ = settle(engine.model, case.prompt, reference_images=references, size=f"{width}x{height}", seed=seed)
        found.append(mark(case, read(generate(engine, request, pictures).images[0])))
    return found


@pytest.mark.parametrize(("name", "grid", "least"), PASSED)
def test_the_sample_does_what_its_card_says(
    sample_engine: Engine, name: str, grid: tuple[int, int], least: dict[str, float]
) -> None:
    """Of twelve fixed questions as many are right as the card says tests assert."""
    (paper,) = (paper for paper in papers(grid) if paper.name == name)
    shares = score(marks(sample_engine, paper.cases(N)))
    assert {capability: shares[capability] for capability in least if shares[capability] < least[capability]} == {}


SAID = ("a large red circle on the left", "make it blue", "the shape of image 1 in the color of image 2")


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the shipped weights lie."""
    return locate(REGISTRY["sample"])


@pytest.mark.parametrize(("prompt", "count"), [(prompt, count) for count, prompt in enumerate(SAID)])
def test_training_samples_what_the_pipeline_samples(folder: Path, prompt: str, count: int) -> None:
    """From the same noise the stock pipeline and training's own sampler draw one picture: words, positions, shift."""
    steps, length = 4, 64
    drawn = [case.target for case in papers(GRID)[0].cases(count)]
    words, model = Words(known_words(folder)), new_transformer()
    model.load_state_dict(known_weights(folder))
    text = words([prompt])
    text = torch.nn.functional.pad(text, (0, 0, 0, length - text.shape[1]))
    references = [tokens_of(pictures([scene], GRID)) for scene in drawn]
    ours = small_of(sample(model, Batch(text, text, GRID, references, [GRID] * count), seed=5, steps=steps), *GRID)

    noise = torch.randn(1, 64, 128, generator=torch.Generator().manual_seed(5))
    noise[..., LIVE:] = 0
    theirs = load(folder)(
        prompt=prompt,
        image=[Case("", scene, GRID, (scene,)).pictures()[0] for scene in drawn] or None,
        height=128,
        width=128,
        num_inference_steps=steps,
        guidance_scale=1.0,
        max_sequence_length=length,
        latents=noise.transpose(1, 2).reshape(1, 128, *GRID),
        output_type="latent",
    ).images
    stock = torch.nn.functional.pixel_shuffle(theirs[:, :LATENT_LIVE], 2)
    assert (ours - stock).square().mean().sqrt() < 0.03
