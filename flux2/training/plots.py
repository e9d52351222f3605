"""Curves and sheets: what the log of a run and the shipped weights look like. Draws only; measures nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from flux2.training.run import CURVE

SMOOTH = 50
"""Steps a point of the loss curve averages."""
CELL, LINE, GAP = 160, 11, 6
"""Pixels: a picture on a sheet, a line of its caption, the space between."""
ACCURACY = "accuracy.jsonl"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def curves(folder: Path, out: Path) -> None:
    """Loss by kind of batch and accuracy by paper of the run in `folder`, as one picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), dpi=80)
    losses = _lines(folder / CURVE)
    for kind in sorted({entry["kind"] for entry in losses}):
        points = [(entry["step"], entry["loss"]) for entry in losses if entry["kind"] == kind]
        groups = [points[i : i + SMOOTH] for i in range(0, len(points), SMOOTH)]
        left.plot([g[-1][0] for g in groups], [sum(v for _, v in g) / len(g) for g in groups], label=kind)
    left.set(xlabel="step", ylabel="loss", yscale="log", title="loss by kind of batch")
    measured = _lines(folder / ACCURACY)
    for paper in sorted({entry["paper"] for entry in measured}):
        points = [(entry["step"], 100 * entry["right"]) for entry in measured if entry["paper"] == paper]
        right.plot(*zip(*points, strict=True), marker=".", label=paper)
    right.set(xlabel="step", ylabel="all of a picture right, %", ylim=(0, 100), title="accuracy while training")
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(out)
    pyplot.close(figure)


def sheet(cells: Sequence[tuple[str, Image.Image]], columns: int, out: Path) -> None:
    """Pictures with their prompts below, in rows."""
    font = ImageFont.load_default(10)
    high = CELL + 4 * LINE + GAP
    rows = -(-len(cells) // columns)
    page = Image.new("RGB", (columns * (CELL + GAP) + GAP, rows * high + GAP), "white")
    pen = ImageDraw.Draw(page)
    for i, (prompt, shown) in enumerate(cells):
        x, y = GAP + i % columns * (CELL + GAP), GAP + i // columns * high
        small = shown.copy()
        small.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
        page.paste(small, (x + (CELL - small.width) // 2, y + (CELL - small.height) // 2))
        pen.rectangle((x - 1, y - 1, x + CELL, y + CELL), outline="#cccccc")
        for k, text in enumerate(_wrap(prompt, font)):
            pen.text((x, y + CELL + 1 + k * LINE), text, fill="black", font=font)
    page.save(out, optimize=True)


def _wrap(text: str, font: Any) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= CELL:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines[:4]
