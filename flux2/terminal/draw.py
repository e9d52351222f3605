"""`generate` and `edit`: one request from flags, drawn once. Owns the flags of a picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux2 import sizing
from flux2.errors import InvalidRequest
from flux2.prompting import scene, styles
from flux2.request import DEFAULT_STRENGTH, MIN_STRENGTH
from flux2.terminal import files, machine, order, progress, recipes, rewriters
from flux2.upsampling import rewriting

if TYPE_CHECKING:
    from flux2.engine import Engine

STYLES = Path(__file__).parents[2] / "config/styles.toml"
"""The styles that come with the product."""
MAX_JSON = 64 * 1024
"""Bytes of a JSON prompt that are read; the rest of a larger file would make it too long anyway."""


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Register both verbs."""
    for name, summary in (
        ("generate", "draw a picture from words, and from reference images if given"),
        ("edit", "change a picture as the words say"),
    ):
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        command.set_defaults(run=run, recipe_format=None)
        words = command.add_mutually_exclusive_group(required=True)
        words.add_argument("--prompt", help="what the picture should show, or what should change; JSON works too")
        words.add_argument("--json", type=Path, metavar="FILE", help="a JSON prompt in a file; - reads it from stdin")
        words.add_argument(
            "--recipe",
            type=Path,
            metavar="FILE",
            help="a recipe file of the bot's: its first is drawn; flags go before it",
        )
        command.add_argument(
            "--image", action="append", type=Path, default=[], metavar="FILE", required=name == "edit",
            help="reference image; may be given several times",
        )  # fmt: skip
        command.add_argument(
            "--init-image", type=Path, metavar="FILE", help="picture to draw anew, as far as --strength says"
        )
        command.add_argument(
            "--strength", type=float,
            help=f"{MIN_STRENGTH:g} (hardly changed) to 1 (nothing left of --init-image); default {DEFAULT_STRENGTH:g}",
        )  # fmt: skip
        if name == "edit":
            command.add_argument(
                "--region", metavar="CELLS", help="change only these cells of the first image, such as A1-B2 or A1,C3"
            )
            command.add_argument(
                "--mask",
                type=Path,
                metavar="FILE",
                help="change only what is white in this mask, or is circled or painted over on this copy of the image",
            )
        else:
            command.set_defaults(region=None, mask=None)
        _add_picture_flags(command)
        command.add_argument(
            "--upsample", choices=("none", "local", "openrouter"), default="none", help="rewrite the prompt first"
        )
        rewriters.add_flags(command)
        machine.add_flags(command)


def _add_picture_flags(command: argparse.ArgumentParser) -> None:
    aspects = ", ".join((*sizing.ASPECTS, sizing.MATCH))
    command.add_argument("--style", help="words around the prompt: a name from --styles")
    command.add_argument(
        "--styles", type=Path, default=STYLES, metavar="FILE", help=f"TOML of styles; default {STYLES}"
    )
    command.add_argument("--aspect", help=f"{aspects} (the first image's), or match:N")
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


def _prompt(options: argparse.Namespace) -> str:
    if options.json is None:
        return str(options.prompt)
    data = sys.stdin.buffer.read(MAX_JSON) if str(options.json) == "-" else _read(options.json)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{options.json} is not UTF-8 text; save it as UTF-8.") from None
    if not scene.is_json(text):
        raise InvalidRequest(f"{options.json} holds no JSON prompt; begin it with {{, or use --prompt for plain words.")
    return text


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_JSON)


def reworded(
    placed: order.Order, route: str, options: argparse.Namespace, load: Callable[[], Engine], model: str | None = None
) -> order.Order:
    """Return the order with its prompt rewritten and shown; a failure keeps the prompt and is noted."""
    if route == "none":
        return placed
    if placed.request.variants:
        raise InvalidRequest("A prompt with lists is drawn as it is written; leave upsampling out.")
    with rewriters.opened(route, options, load, model=model, seed=placed.request.seed) as upsampler:
        done = rewriting.rewrite_or_keep(upsampler, placed.request.prompt, placed.references)
    if done.is_changed:
        sys.stderr.write(f"{done.prompt}\n")
    request = placed.request.model_copy(update={"prompt": done.prompt})
    return replace(placed, request=request, notes=(*placed.notes, *done.notes))


def run(options: argparse.Namespace) -> int:
    """Draw, and print the files' paths."""
    if options.recipe is not None:
        recipes.fill(options, options.recipe)
    wish = order.Wish(
        prompt=_prompt(options),
        style=styles.find(styles.read(options.styles), options.style) if options.style else None,
        images=tuple(options.image),
        init_image=options.init_image,
        strength=options.strength,
        region=options.region,
        mask=options.mask,
        aspect=options.aspect,
        size=options.size,
        steps=options.steps,
        guidance=options.guidance,
        seed=options.seed,
        count=options.count,
        output_format=options.format or files.SUFFIXES.get(options.out.suffix.lower()) or options.recipe_format,
        output_quality=options.quality,
    )
    placed = order.place(machine.choose(options), wish)
    written = files.prepare(options.out, placed.request)
    engine = cache(lambda: machine.load(placed.model, options))
    placed = reworded(placed, options.upsample, options, engine)
    loaded = engine()  # before the bar: what may be wrong with the weights is one sentence
    from flux2.pipeline import generate

    with progress.bar(placed.request) as on_step:
        generation = generate(
            loaded,
            placed.request,
            placed.references,
            init_image=placed.init_image,
            mask=placed.mask,
            on_step=on_step,
        )
    files.save(generation.images, placed.request, written)
    sys.stderr.writelines(f"{note}\n" for note in (*placed.notes, *generation.notes))
    sys.stdout.writelines(f"{file}\n" for file in written)
    return 0
