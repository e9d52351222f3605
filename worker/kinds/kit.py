"""What every kind works with and what it hands back. Declines to know the kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from PIL import Image

from flux2 import images, masking
from flux2.engine import Engine
from flux2.provenance import Provenance
from flux2.request import OutputFormat, ReferenceImage
from flux2.screening.port import NOTHING, Screening
from worker.blobs import Blobs
from worker.contract import Phase, Picture

_MAX_REFERENCE_PIXELS = 50_000_000
"""What the bot lets in; decoded again here, since bytes in a store are not trusted either."""

OnStep = Callable[[Phase, int, int], None]
"""Called with (phase, steps done, steps in all); raises GenerationCancelled when the job is to stop.

The first call is the parent's sign that the job was taken up: a death after it is charged to the job.
"""


@dataclass(frozen=True)
class Kit:
    """What a child holds for its life."""

    engine: Engine
    blobs: Blobs
    saver: Executor
    """Encodes and stores off the thread that draws."""
    screening: Screening = NOTHING
    preview_interval_s: float = 0.0
    """Seconds between two previews of a picture in the making; 0 shows none."""


@dataclass(frozen=True)
class Product:
    """What a request came to: pictures in the blobs, words, or both."""

    pictures: tuple[Picture, ...] = ()
    words: str | None = None
    prompt: str | None = None
    """What was drawn, where it is not the request's prompt."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per stage."""
    notes: tuple[str, ...] = ()


def open_picture(reference: ReferenceImage, blobs: Blobs) -> Image.Image:
    """Return the picture as upright RGB. Raises BlobMissing, InvalidRequest."""
    return images.open_reference(blobs.get(reference.sha256), max_pixels=_MAX_REFERENCE_PIXELS).image


def open_mask(reference: ReferenceImage, blobs: Blobs) -> Image.Image:
    """Return the picture as a mask. Raises BlobMissing, InvalidRequest."""
    return masking.open_mask(blobs.get(reference.sha256), max_pixels=_MAX_REFERENCE_PIXELS)


def save_picture(
    image: Image.Image,
    output_format: OutputFormat,
    quality: int,
    seed: int,
    blobs: Blobs,
    made: Provenance,
    *,
    spoiler: bool = False,
) -> Picture:
    """Encode `image`, with how it was made in its metadata, and keep it."""
    data = images.encode(image, output_format, quality, made)
    return Picture(
        sha256=blobs.put(data),
        output_format=output_format,
        width=image.width,
        height=image.height,
        size_bytes=len(data),
        seed=seed,
        spoiler=spoiler,
    )
