"""A picture without Discord: `python -m flux2 generate|edit`.

Owns the flags, the progress bar and the files. The request, its limits and the drawing are the same as the bot's.
Paths alone on stdout, everything else on stderr. Exit 0, 1 refused or failed, 2 usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flux2 import checkpoint, images, sizing
from flux2.errors import Flux2Error, InvalidRequest
from flux2.models import DEFAULT_MODEL, REGISTRY, Model
from flux2.request import GenerationRequest, ReferenceImage, settle

if TYPE_CHECKING:
    from PIL import Image

    from flux2.pipeline import Generation, OnStep

MAX_REFERENCE_PIXELS = 100_000_000
"""The operator's own files: wider than what the bot takes from strangers."""
_SUFFIXES = {".png": "png", ".webp": "webp", ".jpg": "jpeg", ".jpeg": "jpeg"}


@dataclass(frozen=True)
class _Order:
    """What the flags ask for, checked before the weights are loaded."""

    model: Model
    request: GenerationRequest
    references: list[Image.Image]
    notes: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        order = _order(options)
        files = _files(options.out, order.request)
        generation = _draw(order, options)
        _save(generation, order.request, files)
    except Flux2Error as refusal:
        return _say(str(refusal), 1)
    except OSError as failure:
        return _say(f"{failure.filename or 'The file'}: {failure.strerror or failure}.", 1)
    except KeyboardInterrupt:
        return _say("Stopped; nothing was written.", 130)
    for note in (*order.notes, *generation.notes):
        _say(note, 0)
    sys.stdout.write("".join(f"{file}\n" for file in files))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flux2", description="Draw with FLUX.2 from the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="generate|edit")
    for name, summary in (
        ("generate", "draw a picture from words, and from reference images if given"),
        ("edit", "change a picture as the words say"),
    ):
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        command.add_argument("--prompt", required=True, help="what the picture should show, or what should change")
        command.add_argument(
            "--image", action="append", type=Path, default=[], metavar="FILE", required=name == "edit",
            help="reference image; may be given several times",
        )  # fmt: skip
        _add_picture_options(command)
        _add_machine_options(command)
    return parser


def _add_picture_options(command: argparse.ArgumentParser) -> None:
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


def _add_machine_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model", default=DEFAULT_MODEL, help=f"{', '.join(REGISTRY)}, or a folder; default {DEFAULT_MODEL}"
    )
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps; default auto")
    command.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    command.add_argument("--hf-home", type=Path, help="where downloaded weights are kept")


def _order(options: argparse.Namespace) -> _Order:
    """Check everything that can be checked without the weights. Raises InvalidRequest, CheckpointUnavailable."""
    model = checkpoint.resolve(options.model)
    opened = [_open(path) for path in options.image]
    request, notes = settle(
        model,
        options.prompt,
        reference_images=tuple(reference for reference, _ in opened),
        aspect=options.aspect,
        size=options.size,
        steps=options.steps,
        guidance=options.guidance,
        seed=options.seed,
        count=options.count,
        output_format=options.format or _SUFFIXES.get(options.out.suffix.lower()),
        output_quality=options.quality,
    )
    seen = tuple(
        f"{path}: {note}" for path, (_, picture) in zip(options.image, opened, strict=True) for note in picture.notes
    )
    return _Order(model, request, [picture.image for _, picture in opened], (*notes, *seen))


def _open(path: Path) -> tuple[ReferenceImage, images.Reference]:
    data = path.read_bytes()
    try:
        picture = images.open_reference(data, max_pixels=MAX_REFERENCE_PIXELS)
    except InvalidRequest as refusal:
        raise InvalidRequest(f"{path}: {refusal}") from refusal
    width, height = picture.image.size
    return ReferenceImage(sha256=hashlib.sha256(data).hexdigest(), width=width, height=height), picture


def _files(out: Path, request: GenerationRequest) -> list[Path]:
    """Return the files to write, and make their folder. In a folder, no existing file is overwritten."""
    named = out.suffix.lower() in _SUFFIXES
    folder = out.parent if named else out
    folder.mkdir(parents=True, exist_ok=True)
    if named and request.count == 1:
        return [out]
    if named:
        return [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, request.count + 1)]
    extension = "jpg" if request.output_format == "jpeg" else request.output_format
    return [_free(folder, f"flux2-{seed}", extension) for seed in request.seeds]


def _free(folder: Path, stem: str, extension: str) -> Path:
    file, number = folder / f"{stem}.{extension}", 1
    while file.exists():
        number += 1
        file = folder / f"{stem}-{number}.{extension}"
    return file


def _draw(order: _Order, options: argparse.Namespace) -> Generation:
    checkpoint.locate(order.model, hf_home=options.hf_home)  # before the seconds that importing torch takes
    from flux2.engine import Engine
    from flux2.pipeline import generate

    engine = Engine.load(order.model, device=options.device, threads=options.threads, hf_home=options.hf_home)
    with _progress_bar(order.request) as on_step:
        return generate(engine, order.request, order.references, on_step=on_step)


@contextmanager
def _progress_bar(request: GenerationRequest) -> Iterator[OnStep]:
    from tqdm import tqdm

    with tqdm(total=request.count * request.num_inference_steps, unit="step", file=sys.stderr) as bar:

        def on_step(phase: str, step: int, _steps: int) -> None:
            bar.set_description(phase)
            if phase == "denoise":
                bar.update(step - bar.n)

        yield on_step


def _save(generation: Generation, request: GenerationRequest, files: list[Path]) -> None:
    for image, file in zip(generation.images, files, strict=True):
        file.write_bytes(images.encode(image, request.output_format, request.output_quality))


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
