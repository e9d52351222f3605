"""python -m flux2.training: makes the sample model from nothing, or one stage of it, and examines it."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from flux2.training import evaluate, vae
from flux2.training.export import export, mixed
from flux2.training.plots import ACCURACY, curves
from flux2.training.quick import examine as quick_examine
from flux2.training.recipe import RECIPES, phases
from flux2.training.run import WEIGHTS, Run
from flux2.training.showcase import show
from flux2.training.start import VAE, begin

CURVE_GRID, CURVE_CASES = (8, 8), 32
FOLDER = Path("flux2/sample")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flux2.training", description=__doc__)
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, words in (
        ("make", "everything: vae, transformer, export, curves, sheet"),
        ("vae", "train the VAE"),
        ("transformer", "train the transformer"),
        ("export", "put the trained parts together"),
        ("plot", "draw the curves of a run"),
    ):
        stage = stages.add_parser(name, help=words)
        stage.add_argument(
            "--work", type=Path, default=Path("sample-training"), help="folder of the run; resumed if it exists"
        )
        stage.add_argument("--out", type=Path, default=None, help="where the result goes")
        stage.add_argument("--recipe", choices=sorted(RECIPES), default="foundation")
        stage.add_argument("--device", default="cpu", help="cpu or cuda")
        stage.add_argument("--threads", type=int, default=None, help="CPU threads")
        stage.add_argument("--init", type=Path, default=None, help="an earlier model's folder to start from")
        stage.add_argument("--same-vae", action="store_true", help="take --init's VAE as it is")
        stage.add_argument("--keep", type=float, default=0.0, help="share of --init's weights in the export, 0..1")
        stage.add_argument(
            "--compile", action="store_true", help="compile the blocks: twice as fast after some minutes"
        )
        stage.add_argument("--steps", type=int, default=None, help="stop after so many steps (to try it out)")
        stage.add_argument("--snapshot-every", type=int, default=250)
    exam = stages.add_parser("evaluate", help="examine a pipeline folder")
    exam.add_argument("--model", type=Path, default=FOLDER)
    exam.add_argument("--n", type=int, default=200, help="pictures per row")
    exam.add_argument("--pixels", nargs="+", default=["256x256"], help="WIDTHxHEIGHT, multiples of 16")
    exam.add_argument("--only", default="", help="rows whose name contains this")
    exam.add_argument("--steps", type=int, default=None, help="denoising steps; default: the registry's")
    exam.add_argument("--length", type=int, default=None, help="text tokens; default: the registry's")
    exam.add_argument("--threads", type=int, default=None)
    exam.add_argument("--json", type=Path, default=None, help="file the figures are added to")
    page = stages.add_parser("sheet", help="draw the documentation's pictures")
    page.add_argument("--model", type=Path, default=FOLDER)
    page.add_argument("--out", type=Path, default=Path("docs/images/sample-model.png"))
    page.add_argument("--threads", type=int, default=None)
    return parser


def _vae(options: argparse.Namespace) -> None:
    start = options.init / VAE if options.init else None
    training = vae.Training(options.work, torch.device(options.device), start)
    for figures in training.advance(options.steps or vae.STEPS):
        sys.stdout.write(json.dumps(figures) + "\n")


def _run(options: argparse.Namespace) -> Run:
    plan = phases(options.recipe, from_nothing=options.init is None)
    return Run(options.work, plan, torch.device(options.device), compiled=options.compile, start=options.init)


def _transformer(options: argparse.Namespace) -> None:
    run = _run(options)
    for step in run.advance(options.snapshot_every, until=options.steps):
        with run.averaged() as model, (options.work / ACCURACY).open("a") as log:
            scores = quick_examine(model, run.words, CURVE_GRID, CURVE_CASES)
            for paper, shares in scores.items():
                right = min(shares.values())
                log.write(json.dumps({"step": step, "paper": paper, "right": right, **shares}) + "\n")
                sys.stdout.write(f"step {step} {evaluate.line(paper, shares)}\n")


def _export(options: argparse.Namespace) -> None:
    from flux2.training.text import Words

    newest = max(options.work.glob(f"{WEIGHTS}-*.pt"))
    weights = torch.load(newest, weights_only=True)
    known, first = begin(options.init) if options.init else (None, None)
    if first and options.keep:
        weights = mixed(weights, first, options.keep)
    words = Words(known)
    vae_folder = (options.init if options.same_vae else options.work) / VAE
    size = export(weights, words, vae_folder, options.out or options.work / "model")
    sys.stdout.write(f"{newest.name}: {size / 2**20:.2f} MiB\n")


def _plot(options: argparse.Namespace) -> None:
    curves(options.work, options.out or options.work / "curves.png")


def _make(options: argparse.Namespace) -> None:
    for stage in (_transformer, _export) if options.same_vae else (_vae, _transformer, _export):
        stage(options)
    curves(options.work, options.work / "curves.png")
    show(options.out or options.work / "model", options.work / "sheet.png")


def _evaluate(options: argparse.Namespace) -> None:
    sides = [tuple(map(int, text.split("x"))) for text in options.pixels]
    grids = [(height // 16, width // 16) for width, height in sides]
    found = evaluate.examine(options.model, grids, options.n, options.only, options.steps, options.length)
    for name, shares in found:
        sys.stdout.write(evaluate.line(name, shares) + "\n")
        sys.stdout.flush()
        if options.json:
            evaluate.keep({name: shares}, options.json)


def _sheet(options: argparse.Namespace) -> None:
    options.out.parent.mkdir(parents=True, exist_ok=True)
    show(options.model, options.out)


_STAGES = {
    "make": _make,
    "vae": _vae,
    "transformer": _transformer,
    "export": _export,
    "plot": _plot,
    "evaluate": _evaluate,
    "sheet": _sheet,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; 0 when it is done."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = _parser()
    options = parser.parse_args(arguments)
    if getattr(options, "init", True) is None and (options.same_vae or options.keep):
        parser.error("--same-vae and --keep need --init, the model whose parts are kept.")
    if options.threads:
        torch.set_num_threads(options.threads)
    _STAGES[options.stage](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
