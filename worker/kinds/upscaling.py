"""An upscale: one picture from the blobs, a larger one into them. How detail is added is `flux2.upscaling`'s."""

from __future__ import annotations

import time

from PIL import Image

from flux2.provenance import Provenance
from flux2.upscaling.request import UpscaleRequest
from worker.kinds.kit import Kit, OnStep, Product, open_picture, save_picture


def upscale(request: UpscaleRequest, kit: Kit, on_step: OnStep) -> Product:
    """Enlarge the picture of `request`."""
    on_step("references", 0, 1)
    source = open_picture(request.image, kit.blobs)
    on_step("decode", 0, 1)
    enlarged = source.resize((request.width, request.height), Image.Resampling.LANCZOS)
    drawn = time.monotonic()
    on_step("save", 0, 1)
    form, quality, seed = request.output_format, request.output_quality, request.seed
    picture = save_picture(enlarged, form, quality, seed, kit.blobs, Provenance.of(request, seed))
    return Product(pictures=(picture,), timings={"save": time.monotonic() - drawn})
