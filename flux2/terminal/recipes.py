"""--recipe: flags that were left out, filled from a recipe file. What was typed goes first."""

from __future__ import annotations

import argparse
from pathlib import Path

from flux2 import recipe
from flux2.errors import InvalidRequest
from flux2.prompting import wildcards
from flux2.recipe import Recipe

MAX_BYTES = 1024 * 1024


def fill(options: argparse.Namespace, file: Path) -> None:
    """Set what the file's first recipe says. Raises InvalidRequest, OSError."""
    with file.open("rb") as opened:
        text = opened.read(MAX_BYTES).decode("utf-8-sig", "replace")
    found = recipe.read(text)
    if found is None:
        raise InvalidRequest(f"{file} holds no recipes; More… under a picture exports them.")
    _check(found, options, file)
    options.prompt = found.prompt
    if options.size is None and options.aspect is None and options.region is None and options.mask is None:
        options.size = f"{found.width}x{found.height}"
    has_lists = len(wildcards.expand(found.prompt)) > 1
    filled = {
        "model": found.model,
        "steps": found.num_inference_steps,
        "guidance": found.guidance_scale,
        "seed": found.seed,
        "count": None if has_lists else found.count,
        "quality": None if found.output_format == "png" else found.output_quality,
        "strength": found.strength if options.init_image else None,
    }
    for name, value in filled.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.recipe_format = found.output_format


def _check(found: Recipe, options: argparse.Namespace, file: Path) -> None:
    if found.kind != "render":
        raise InvalidRequest(
            f"The first recipe of {file} is of another kind ({found.kind}); use the verb {found.kind}."
        )
    missing = found.reference_images - len(options.image)
    if missing > 0:
        pictures = "1 more picture" if missing == 1 else f"{missing} more pictures"
        raise InvalidRequest(f"The recipe in {file} needs {pictures}; name them with --image, in their order.")
    if found.strength not in (None, 1) and options.init_image is None:
        raise InvalidRequest(f"The recipe in {file} draws a picture anew; name it with --init-image.")
    if found.needs_mask and options.mask is None:
        raise InvalidRequest(f"The recipe in {file} changes what a mask named; use edit with --mask.")
    if found.region and options.region is None and options.mask is None:
        cells = ",".join(found.region)
        raise InvalidRequest(f"The recipe in {file} changes a part of a picture; use edit with --region {cells}.")
