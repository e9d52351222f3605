"""A render: references from the blobs, pictures into them. The drawing itself is `flux2.pipeline`'s."""

from __future__ import annotations

import time
from concurrent.futures import Future
from functools import partial

from PIL import Image

from flux2 import pipeline
from flux2.provenance import Provenance
from flux2.request import GenerationRequest
from flux2.sheet import contact_sheet
from worker.contract import Picture
from worker.kinds.kit import Kit, OnStep, Product, open_mask, open_picture, save_picture
from worker.kinds.previewing import Show, previewing


def draw(request: GenerationRequest, kit: Kit, on_step: OnStep, show: Show) -> Product:
    """Draw every picture of `request`; each is encoded and kept while the next is drawn, and previewed before."""
    on_step("references", 0, len(request.reference_images))
    references = [open_picture(reference, kit.blobs) for reference in request.reference_images]
    init_image = open_picture(request.init_image, kit.blobs) if request.init_image else None
    mask = open_mask(request.mask_image, kit.blobs) if request.mask_image else None
    saving: list[Future[Picture]] = []
    hidden: list[bool] = []

    def on_image(index: int, image: Image.Image) -> None:
        form, quality, seed = request.output_format, request.output_quality, request.seeds[index]
        made = Provenance.of(request.of_picture(index), seed)
        hidden.append(kit.screening.hides(image))
        keep = partial(save_picture, image, form, quality, seed, kit.blobs, made, spoiler=hidden[-1])
        saving.append(kit.saver.submit(keep))

    reworded = pipeline.reword(kit.engine, request, references, on_step=on_step, screening=kit.screening)
    request = reworded.request
    with previewing(kit, show) as on_glimpse:
        generation = pipeline.generate(
            kit.engine,
            request,
            references,
            init_image=init_image,
            mask=mask,
            on_step=on_step,
            on_image=on_image,
            on_glimpse=on_glimpse,
            screening=kit.screening,
        )
    if request.variants:
        labels = [variant.label for variant in request.variants]
        saving.append(kit.saver.submit(_save_sheet, generation.images, labels, request, kit, any(hidden)))
    drawn = time.monotonic()
    pictures = []
    for index, picture in enumerate(saving):
        on_step("save", index, len(saving))
        pictures.append(picture.result())
    timings = {**generation.timings, "save": time.monotonic() - drawn}
    return Product(
        pictures=tuple(pictures),
        prompt=reworded.prompt,
        timings=timings,
        notes=(*reworded.notes, *generation.notes),
    )


def _save_sheet(
    drawn: list[Image.Image], labels: list[str], request: GenerationRequest, kit: Kit, spoiler: bool
) -> Picture:
    """Keep one picture that shows all of them side by side; the last, so that the first is still the first drawn."""
    sheet, made = contact_sheet(drawn, labels), Provenance.of(request, request.seed)
    form, quality = request.output_format, request.output_quality
    return save_picture(sheet, form, quality, request.seed, kit.blobs, made, spoiler=spoiler)
