"""`generate` and `edit`: one request from flags, drawn once. Owns the flags of a picture."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from flux2 import checkpoint, sizing
from flux2.terminal import files, machine, order, progress


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Register both verbs."""
    for name, summary in (
        ("generate", "draw a picture from words, and from reference images if given"),
        ("edit", "change a picture as the words say"),
    ):
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        command.set_defaults(run=run)
        command.add_argument("--prompt", required=True, help="what the picture should show, or what should change")
        command.add_argument(
            "--image", action="append", type=Path, default=[], metavar="FILE", required=name == "edit",
            help="reference image; may be given several times",
        )  # fmt: skip
        _add_picture_flags(command)
        machine.add_flags(command)


def _add_picture_flags(command: argparse.ArgumentParser) -> None:
    aspects = ", ".join((*sizing.ASPECTS, sizing.MATCH))
    command.add_argument("--aspect", help=f"{aspects} (match: the first image's)")
    command.add_argument("--size", help=f"{', '.join(sizing.MEGAPIXELS)} (megapixels) or WxH in pixels")
    command.add_argument("--steps", type=int, help="denoising steps")
    command.add_argument("--guidance", type=float, help="how closely to follow the prompt, where the model takes it")
    command.add_argument("--seed", type=int, help="the same seed gives the same picture; default: random")
    command.add_argument("--count", type=int, help="pictures; number i is drawn with seed + i")
    command.add_argument("--format", choices=("webp", "png", "jpeg"), help="default: from --out, else webp")
    command.add_argument("--quality", type=int, help="0 to 100, for webp and jpeg; default 80")
    command.add_argument(
        "--out", type=Path, default=Path(), metavar="PATH", help="folder, or a file name ending in .png, .webp or .jpg"
    )


def run(options: argparse.Namespace) -> int:
    """Draw, and print the files' paths."""
    wish = order.Wish(
        prompt=options.prompt,
        images=tuple(options.image),
        aspect=options.aspect,
        size=options.size,
        steps=options.steps,
        guidance=options.guidance,
        seed=options.seed,
        count=options.count,
        output_format=options.format or files.SUFFIXES.get(options.out.suffix.lower()),
        output_quality=options.quality,
    )
    placed = order.place(checkpoint.resolve(options.model), wish)
    written = files.prepare(options.out, placed.request)
    engine = machine.load(placed.model, options)
    from flux2.pipeline import generate

    with progress.bar(placed.request) as on_step:
        generation = generate(engine, placed.request, placed.references, on_step=on_step)
    files.save(generation.images, placed.request, written)
    sys.stderr.writelines(f"{note}\n" for note in (*placed.notes, *generation.notes))
    sys.stdout.writelines(f"{file}\n" for file in written)
    return 0
