"""Examines raw transformer weights while they train: latents are enlarged instead of decoded. Fast and batched.

The figures of the model card come from `evaluate`, through the stock pipeline; these only draw the learning curve.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

from flux2.training.cases import Case, Grid, mark, papers, picture
from flux2.training.examples import reference_grid, references
from flux2.training.latents import small_of, tokens_of
from flux2.training.reader import read
from flux2.training.text import Words
from flux2.training.transformer import FULL_TEXT, Batch, sample

Scores = dict[str, dict[str, float]]


def answer(model: Any, words: Words, cases: list[Case], length: int = FULL_TEXT) -> torch.Tensor:
    """Pictures (n, 3, height, width) for cases of one grid and as many references each, on the model's device."""
    grid = cases[0].grid
    text = words([case.prompt for case in cases])
    count = len(cases[0].references)
    shown = [tokens_of(references([case.references[k] for case in cases], grid)) for k in range(count)]
    places = [reference_grid(grid)] * count
    batch = Batch(text, text.new_zeros(0), grid, shown, places, padding=max(0, length - text.shape[1]))
    small = small_of(sample(model, batch.to(next(model.parameters()).device)), *grid)
    return functional.interpolate(small, scale_factor=4, mode="bilinear").clamp(-1, 1)


def score(marks: Sequence[Mapping[str, bool]]) -> dict[str, float]:
    """Share of right answers by capability, over the cases that ask for it."""
    names = {name: None for each in marks for name in each}
    return {name: statistics.fmean(each[name] for each in marks if name in each) for name in names}


def examine(model: Any, words: Words, grid: Grid, n: int, only: str = "") -> Scores:
    """Scores by paper, of those whose name contains `only`."""
    scores = {}
    for paper in papers(grid):
        if only in paper.name:
            cases = paper.cases(n)
            shown = answer(model, words, cases).cpu()
            scores[paper.name] = score(
                [mark(case, read(picture(pixels))) for case, pixels in zip(cases, shown, strict=True)]
            )
    return scores
