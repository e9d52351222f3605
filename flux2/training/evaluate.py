"""Examines a pipeline folder as members meet it: stock loader, registry defaults, decoded pictures. Prints a table."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm import tqdm

from flux2.conditioning import prepare_references
from flux2.models import REGISTRY
from flux2.training.cases import Case, Grid, Paper, mark, papers
from flux2.training.latents import TOKEN
from flux2.training.quick import score
from flux2.training.reader import read
from flux2.training.sharpness import Softened, mark_sharpened, sharpen

SAMPLE = REGISTRY["sample"]


def load(folder: Path) -> Any:
    """The stock pipeline in float32 on the CPU, silent."""
    from diffusers import DiffusionPipeline

    build: Any = DiffusionPipeline.from_pretrained
    pipe = build(folder, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw_case(pipe: Any, case: Case, seed: int, steps: int, length: int) -> Image.Image:
    """The pipeline's answer to a case."""
    height, width = case.pixels
    result = pipe(
        prompt=case.prompt,
        image=prepare_references(case.pictures(), SAMPLE) or None,
        height=height,
        width=width,
        num_inference_steps=steps,
        guidance_scale=SAMPLE.pipeline_guidance,
        max_sequence_length=length,
        generator=torch.Generator().manual_seed(seed),
    ).images[0]
    if not isinstance(result, Image.Image):
        raise TypeError(type(result).__name__)
    return result


def examine_paper(pipe: Any, paper: Paper, n: int, steps: int, length: int) -> dict[str, float]:
    """Shares of right answers by capability, with `n` and the seconds a picture took."""
    started = time.perf_counter()
    marks = []
    for seed, case in enumerate(tqdm(paper.cases(n), desc=paper.name, leave=False, mininterval=5)):
        marks.append(mark(case, read(draw_case(pipe, case, seed, steps, length))))
    return {**score(marks), "n": n, "seconds": round((time.perf_counter() - started) / n, 3)}


def examine_sharpening(pipe: Any, grid: Grid, n: int, length: int) -> dict[str, float]:
    """Blurred scenes, noised half way and drawn on: whether edges are sharp again and the scene is still the same."""
    marks = []
    for seed in tqdm(range(n), desc="sharpen", leave=False, mininterval=5):
        question = Softened.numbered(seed, grid)
        marks.append(mark_sharpened(question, sharpen(pipe, question, seed, length)))
    return {**score(marks), "n": n}


def examine_variety(pipe: Any, paper: Paper, n: int, steps: int, length: int) -> dict[str, float]:
    """One prompt that leaves size and place open, `n` seeds: relative spread of radius and centre."""
    case = paper.cases(1)[0]
    case = Case("a red circle on a white background", case.target, case.grid)
    seen = [read(draw_case(pipe, case, seed, steps, length)).object for seed in range(n)]
    found = [each for each in seen if each]
    if len(found) < 2:
        return {"n": n}
    return {
        "radius sd": statistics.stdev(each.radius for each in found),
        "x sd": statistics.stdev(each.x for each in found),
        "y sd": statistics.stdev(each.y for each in found),
        "n": n,
    }


def examine(
    folder: Path, grids: Sequence[Grid], n: int, only: str, steps: int | None, length: int | None
) -> Iterator[tuple[str, dict[str, float]]]:
    """(name, shares) of every paper whose name contains `only`, as they are finished."""
    pipe = load(folder)
    steps, length = steps or SAMPLE.default_steps, length or SAMPLE.max_sequence_length
    for grid in grids:
        size = f"{grid[1] * TOKEN}x{grid[0] * TOKEN}"
        for paper in papers(grid):
            if only in paper.name:
                yield f"{paper.name}, {size}", examine_paper(pipe, paper, n, steps, length)
        if only in "sharpen":
            yield f"sharpen, {size}", examine_sharpening(pipe, grid, n, length)
        if only in "variety":
            yield f"variety, {size}", examine_variety(pipe, papers(grid)[0], min(n, 24), steps, length)


def line(name: str, shares: dict[str, float]) -> str:
    """One row of the table: shares in per cent, deviations and seconds as they are."""
    plain = ("n", "seconds", "radius sd", "x sd", "y sd")
    cells = [f"{key} {value:g}" if key in plain else f"{key} {100 * value:.1f} %" for key, value in shares.items()]
    return f"{name:44s} " + "  ".join(cells)


def keep(results: dict[str, dict[str, float]], path: Path) -> None:
    """Add results to a JSON file."""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(known | results, indent=1) + "\n")
