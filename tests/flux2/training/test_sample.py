"""The shipped weights through the engine: what the model card reports as passed, on a few fixed questions."""

import pytest

from flux2.engine import Engine
from flux2.pipeline import generate
from flux2.request import ReferenceImage, settle
from flux2.training.cases import Case, mark, papers
from flux2.training.quick import score
from flux2.training.reader import read

GRID = (8, 8)
N = 12
PASSED = [
    ("one object, held-out", "colour", 0.8),
    ("one object, held-out", "ground", 0.8),
    ("one object, held-out", "shape", 0.6),
    ("one object, held-out", "place", 0.75),
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


@pytest.mark.parametrize("name", sorted({name for name, _, _ in PASSED}))
def test_the_sample_does_what_its_card_says(sample_engine: Engine, name: str) -> None:
    """Of twelve fixed questions as many are right as the card says tests assert."""
    (paper,) = (paper for paper in papers(GRID) if paper.name == name)
    shares = score(marks(sample_engine, paper.cases(N)))
    for passed, capability, least in PASSED:
        if passed == name:
            assert shares[capability] >= least
