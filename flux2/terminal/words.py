"""`upsample` and `describe`: words instead of a picture. The words alone on stdout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux2.errors import InvalidRequest
from flux2.terminal import machine, order, rewriters
from flux2.upsampling import rewriting

if TYPE_CHECKING:
    from PIL import Image

    from flux2.engine import Engine

_ROUTES = ("local", "openrouter")


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Register both verbs."""
    upsample = commands.add_parser("upsample", help="write a prompt better", description="Write a prompt better.")
    upsample.set_defaults(run=_upsample)
    upsample.add_argument("--prompt", required=True, help="what the picture should show")
    upsample.add_argument(
        "--image", action="append", type=Path, default=[], metavar="FILE",
        help="a picture the prompt speaks of; may be given several times",
    )  # fmt: skip
    upsample.add_argument("--structured", action="store_true", help="answer with a JSON prompt")
    describe = commands.add_parser(
        "describe", help="put a picture into words", description="Put a picture into words that would draw it again."
    )
    describe.set_defaults(run=_describe)
    describe.add_argument("--image", type=Path, required=True, metavar="FILE", help="the picture")
    for command in (upsample, describe):
        command.add_argument(
            "--mode", choices=_ROUTES, default="local", help="by the model's own text encoder (default) or a hosted one"
        )
        command.add_argument("--seed", type=int, default=0, help="of local words; the same seed gives the same")
        rewriters.add_flags(command)
        machine.add_flags(command)


def _upsample(options: argparse.Namespace) -> int:
    pictures = [order.open_picture(path)[1].image for path in options.image]
    if not options.prompt.strip():
        raise InvalidRequest("The prompt is empty; say in a few words what the picture should show.")
    with rewriters.opened(options.mode, options, lambda: _load(options), seed=options.seed) as upsampler:
        done = rewriting.rewrite(upsampler, options.prompt.strip(), pictures, structured=options.structured)
    sys.stderr.writelines(f"{note}\n" for note in done.notes)
    sys.stdout.write(f"{done.prompt}\n")
    return 0


def _describe(options: argparse.Namespace) -> int:
    picture: Image.Image = order.open_picture(options.image)[1].image
    with rewriters.opened(options.mode, options, lambda: _load(options), seed=options.seed) as upsampler:
        sys.stdout.write(f"{rewriting.describe(upsampler, picture)}\n")
    return 0


def _load(options: argparse.Namespace) -> Engine:
    model = machine.choose(options)
    if not model.can_rewrite:
        raise InvalidRequest(f"{model.name} has no text encoder that could write; use --mode openrouter.")
    return machine.load(model, options)
