"""`upscale`: one picture enlarged. Owns the flags of an upscale."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from flux2 import images, provenance
from flux2.errors import InvalidRequest
from flux2.request import ReferenceImage
from flux2.terminal import files, machine, order, progress
from flux2.upscaling import request as values


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Register the verb."""
    summary = "make a picture larger and sharper; it stays the same picture"
    command = commands.add_parser("upscale", help=summary, description=summary.capitalize() + ".")
    command.set_defaults(run=run)
    command.add_argument("--image", type=Path, required=True, metavar="FILE", help="the picture to enlarge")
    command.add_argument("--factor", type=float, help=f"{values.MIN_FACTOR:g} to {values.MAX_FACTOR:g}; default 2")
    command.add_argument("--size", help=f"instead: {', '.join(values.SIZES)} (megapixels) or WxH in pixels")
    command.add_argument("--creativity", type=float, help="0 keeps every detail, 1 draws freely; default 0.3")
    command.add_argument("--guidance", type=float, help="1 to 4, where the model takes it; default 1")
    command.add_argument("--steps", type=int, help="4 to 50; default 20")
    command.add_argument("--seed", type=int, help="the same seed gives the same picture; default: random")
    command.add_argument("--prompt", help="what the picture shows; default: what its file says, else a neutral caption")
    command.add_argument("--method", help="flux (the model adds detail, the default) or classic (Lanczos alone)")
    command.add_argument("--format", choices=("webp", "png", "jpeg"), help="default: from --out, else webp")
    command.add_argument("--quality", type=int, default=values.DEFAULT_QUALITY, help="0 to 100, for webp and jpeg")
    command.add_argument(
        "--out", type=Path, default=Path(), metavar="PATH", help="folder, or a file name ending in .png, .webp or .jpg"
    )
    machine.add_flags(command)


def run(options: argparse.Namespace) -> int:
    """Enlarge, and print the file's path."""
    model = machine.choose(options)
    data = options.image.read_bytes()
    picture = _open(options.image, data)
    made = provenance.read(data)
    request, notes = values.settle(
        model,
        ReferenceImage(sha256=hashlib.sha256(data).hexdigest(), width=picture.image.width, height=picture.image.height),
        factor=options.factor,
        size=options.size,
        creativity=options.creativity,
        guidance=options.guidance,
        steps=options.steps,
        seed=options.seed,
        prompt=options.prompt,
        # What an edit was told says what to change, not what is seen.
        recipe=made.prompt if made and not made.reference_images else "",
        method=options.method,
        output_format=files.SUFFIXES.get(options.out.suffix.lower(), "webp") if not options.format else options.format,
        output_quality=options.quality,
    )
    written = files.prepare(options.out, request)
    engine = machine.load(model, options)
    from flux2.upscaling import caption
    from flux2.upscaling.upscaler import upscale

    with progress.bar() as on_step:
        eyes = caption.own(engine, request.seed, on_step)
        upscaled = upscale(engine, request, picture.image, captioners=eyes, on_step=on_step)
    files.save([upscaled.image], request, written)
    sys.stderr.writelines(f"{note}\n" for note in (*picture.notes, *notes, *upscaled.notes))
    if upscaled.caption:
        sys.stderr.write(f"Caption: {upscaled.caption}\n")
    sys.stdout.writelines(f"{file}\n" for file in written)
    return 0


def _open(path: Path, data: bytes) -> images.Reference:
    try:
        return images.open_reference(data, max_pixels=order.MAX_REFERENCE_PIXELS)
    except InvalidRequest as refusal:
        raise InvalidRequest(f"{path}: {refusal}") from refusal
