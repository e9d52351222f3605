"""An upscale: one picture from the blobs, a larger one into them. How detail is added is `flux2.upscaling`'s."""

from __future__ import annotations

import time

from flux2.provenance import Provenance
from flux2.upscaling import caption, upscaler
from flux2.upscaling.request import NEUTRAL, UpscaleRequest
from worker.kinds.kit import Kit, OnStep, Product, open_picture, save_picture


def upscale(request: UpscaleRequest, kit: Kit, on_step: OnStep) -> Product:
    """Enlarge the picture of `request`. The words of the product are the caption that steered it."""
    on_step("references", 0, 1)
    source = open_picture(request.image, kit.blobs)
    done = upscaler.upscale(
        kit.engine,
        request,
        source,
        captioners=caption.own(kit.engine, request.seed, on_step),
        on_step=on_step,
        screening=kit.screening,
    )
    drawn = time.monotonic()
    on_step("save", 0, 1)
    form, quality, seed = request.output_format, request.output_quality, request.seed
    # The file tells the words that steered it, so that whoever enlarges it again goes on from them.
    told = request.model_copy(update={"prompt": "" if done.caption in (None, NEUTRAL) else done.caption})
    spoiler = kit.screening.hides(done.image)
    picture = save_picture(done.image, form, quality, seed, kit.blobs, Provenance.of(told, seed), spoiler=spoiler)
    timings = {**done.timings, "save": time.monotonic() - drawn}
    return Product(pictures=(picture,), words=done.caption, timings=timings, notes=done.notes)
