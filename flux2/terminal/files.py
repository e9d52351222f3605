"""Where pictures drawn on a terminal go: into a folder under free names, or under the name that was given."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from flux2 import images
from flux2.errors import InvalidRequest
from flux2.provenance import Provenance
from flux2.request import GenerationRequest, OutputFormat
from flux2.upscaling.request import UpscaleRequest

SUFFIXES: dict[str, OutputFormat] = {".png": "png", ".webp": "webp", ".jpg": "jpeg", ".jpeg": "jpeg"}
"""File name endings that make a path a file rather than a folder, and the format each stands for."""
_OTHERS = {".avif", ".bmp", ".gif", ".heic", ".jfif", ".jxl", ".svg", ".tif", ".tiff"}
"""Endings of pictures too, which nobody means as a folder's."""


def prepare(out: Path, request: GenerationRequest | UpscaleRequest) -> list[Path]:
    """Return the files to write, and make their folder; none there is overwritten. Raises InvalidRequest, OSError."""
    if out.suffix.lower() in _OTHERS:
        raise InvalidRequest(f"{out} cannot be written; name a file that ends in .png, .webp or .jpg, or a folder.")
    named = out.suffix.lower() in SUFFIXES
    folder = out.parent if named else out
    folder.mkdir(parents=True, exist_ok=True)
    if named and request.count == 1:
        return [out]
    if named:
        return [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, request.count + 1)]
    extension = "jpg" if request.output_format == "jpeg" else request.output_format
    chosen: list[Path] = []
    for seed in request.seeds:  # lists in a prompt draw all their pictures from one seed
        chosen.append(_free(folder, f"flux2-{seed}", extension, chosen))
    return chosen


def _free(folder: Path, stem: str, extension: str, taken: list[Path]) -> Path:
    file, number = folder / f"{stem}.{extension}", 1
    while file.exists() or file in taken:
        number += 1
        file = folder / f"{stem}-{number}.{extension}"
    return file


def save(pictures: list[Image.Image], request: GenerationRequest | UpscaleRequest, files: list[Path]) -> None:
    """Write each picture to its file. Raises OSError."""
    for index, (image, file) in enumerate(zip(pictures, files, strict=True)):
        alone = request.of_picture(index) if isinstance(request, GenerationRequest) else request
        made = Provenance.of(alone, request.seeds[index])
        file.write_bytes(images.encode(image, request.output_format, request.output_quality, made))
