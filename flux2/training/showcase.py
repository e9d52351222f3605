"""The pictures the documentation shows: prompts, edits, references and ratios, drawn by the shipped weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from flux2.models import REGISTRY
from flux2.sizing import fit
from flux2.training.evaluate import load
from flux2.training.plots import sheet

SAMPLE = REGISTRY["sample"]
PROMPTS = (
    "a red circle on a white background",
    "a large blue star on a yellow background",
    "a small green heart on the left",
    "a purple ring at the top with a black background",
    "an orange triangle",
    "a pink diamond on a gray background",
    "a large white cross on a blue background",
    "an orange square on the right on a purple background",
    "a small red diamond at the bottom",
    "a small blue square left of a large green triangle",
    "a red star above a blue circle",
    "a yellow ring right of a black cross",
    "a circle in hex #1b6b6f on a white background",
)
EDITS = (
    "make it blue",
    "make the background green",
    "replace the circle with a star",
    "make it bigger",
    "move it to the left",
)
BLENDS = (
    "the shape of image 1 in the colour of image 2",
    "the shape of image 2 in the colour of image 1",
    "image 1 with the background of image 2",
)
SIDE = math.isqrt(SAMPLE.default_pixels)
WIDE, TALL = fit(16 / 9, SAMPLE.default_pixels), fit(9 / 16, SAMPLE.default_pixels)
COLUMNS = 6


def _ask(pipe: Any, prompt: str, references: list[Image.Image], size: tuple[int, int], seed: int) -> Image.Image:
    result = pipe(
        prompt=prompt,
        image=references or None,
        width=size[0],
        height=size[1],
        num_inference_steps=SAMPLE.default_steps,
        guidance_scale=SAMPLE.pipeline_guidance,
        max_sequence_length=SAMPLE.max_sequence_length,
        generator=torch.Generator().manual_seed(seed),
    ).images[0]
    if not isinstance(result, Image.Image):
        raise TypeError(type(result).__name__)
    return result


def show(folder: Path, out: Path) -> None:
    """One sheet: prompts, edits of the first picture, blends of the first two, other ratios. Seeds are 0, 1, 2…"""
    pipe, square = load(folder), (SIDE, SIDE)
    cells = [(prompt, _ask(pipe, prompt, [], square, seed)) for seed, prompt in enumerate(PROMPTS)]
    first, second = cells[0][1], cells[1][1]
    cells += [(f"(1) {edit}", _ask(pipe, edit, [first], square, 3)) for edit in EDITS]
    cells += [(f"(1)+(2) {blend}", _ask(pipe, blend, [first, second], square, 0)) for blend in BLENDS]
    for size in (WIDE, TALL):
        cells.append((f"{size[0]}x{size[1]}: {PROMPTS[0]}", _ask(pipe, PROMPTS[0], [], size, 0)))
    cells.append((f"seed 9: {PROMPTS[0]}", _ask(pipe, PROMPTS[0], [], square, 9)))
    sheet(cells, COLUMNS, out)
