"""What is asked for on a terminal, checked before any weights are loaded: a settled request and its open references."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flux2 import images, masking, region
from flux2.errors import InvalidRequest
from flux2.models import Model
from flux2.prompting.styles import Style
from flux2.request import GenerationRequest, ReferenceImage, settle

if TYPE_CHECKING:
    from PIL import Image

MAX_REFERENCE_PIXELS = 100_000_000
"""The operator's own files: wider than what the bot takes from strangers."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Options as typed; None where one was left out."""

    prompt: str
    style: Style | None = None
    images: tuple[Path, ...] = ()
    init_image: Path | None = None
    strength: float | None = None
    region: str | None = None
    mask: Path | None = None
    aspect: str | None = None
    size: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    count: int | None = None
    output_format: str | None = None
    output_quality: int | None = None


@dataclass(frozen=True)
class Order:
    """A wish the model can draw."""

    model: Model
    request: GenerationRequest
    references: list[Image.Image]
    init_image: Image.Image | None
    mask: Image.Image | None
    notes: tuple[str, ...]


def place(model: Model, wish: Wish) -> Order:
    """Open the images and settle the wish. Raises InvalidRequest, OSError."""
    opened = [open_picture(path) for path in wish.images]
    drawn_anew = open_picture(wish.init_image) if wish.init_image else None
    mask_image, mask = _open_mask(wish.mask) if wish.mask else (None, None)
    request, notes = settle(
        model,
        wish.prompt,
        style=wish.style,
        reference_images=tuple(reference for reference, _ in opened),
        init_image=drawn_anew[0] if drawn_anew else None,
        strength=wish.strength,
        region=region.parse(wish.region) if wish.region is not None else (),
        mask_image=mask_image,
        aspect=wish.aspect,
        size=wish.size,
        steps=wish.steps,
        guidance=wish.guidance,
        seed=wish.seed,
        count=wish.count,
        output_format=wish.output_format,
        output_quality=wish.output_quality,
    )
    files = (*wish.images, *([wish.init_image] if wish.init_image else []))
    shown = [picture for _, picture in (*opened, *([drawn_anew] if drawn_anew else []))]
    seen = tuple(f"{path}: {note}" for path, picture in zip(files, shown, strict=True) for note in picture.notes)
    references = [picture.image for _, picture in opened]
    return Order(model, request, references, drawn_anew[1].image if drawn_anew else None, mask, (*notes, *seen))


def open_picture(path: Path) -> tuple[ReferenceImage, images.Reference]:
    """Open a file as a reference. Raises InvalidRequest, OSError."""
    data = path.read_bytes()
    with _named(path):
        picture = images.open_reference(data, max_pixels=MAX_REFERENCE_PIXELS)
    return _reference(data, picture.image), picture


def _open_mask(path: Path) -> tuple[ReferenceImage, Image.Image]:
    data = path.read_bytes()
    with _named(path):
        mask = masking.open_mask(data, max_pixels=MAX_REFERENCE_PIXELS)
    return _reference(data, mask), mask


def _reference(data: bytes, image: Image.Image) -> ReferenceImage:
    return ReferenceImage(sha256=hashlib.sha256(data).hexdigest(), width=image.width, height=image.height)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of which file a refusal speaks."""
    try:
        yield
    except InvalidRequest as refusal:
        raise InvalidRequest(f"{path}: {refusal}") from refusal
