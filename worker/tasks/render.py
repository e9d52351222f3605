"""The render task: an order becomes pictures in the blobs, or a failure with its code. Runs in the resident child.

RQ's payload names this function with the job id alone; the gpu parent takes the lease, trades the id for an order and
hands it to its child, which calls it here. Owns the order of things between blobs and pixels; the fence, the lease and
the queue are the parent's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from PIL import Image

from flux2 import images, pipeline
from flux2.engine import Engine
from flux2.errors import GenerationCancelled
from flux2.request import GenerationRequest
from worker import failures
from worker.blobs import Blobs
from worker.contract import Phase, Picture, RenderResult
from worker.pipe import Order

_log = logging.getLogger(__name__)

_MAX_REFERENCE_PIXELS = 50_000_000
"""What the bot lets in; decoded again here, since bytes in a store are not trusted either."""


class DeviceLost(BaseException):
    """The accelerator's context is dead: the process has to go, the job has not failed."""


@dataclass(frozen=True)
class Kit:
    """What a child holds for its life."""

    engine: Engine
    blobs: Blobs
    saver: Executor
    """Encodes and stores off the thread that draws."""


def render(
    order: Order, kit: Kit, should_stop: Callable[[], bool], tell: Callable[[Phase, int, int], None]
) -> RenderResult:
    """Run `order` and return its end. Raises GenerationCancelled when `should_stop` says so, and DeviceLost."""
    began = time.monotonic()

    def on_step(phase: Phase, step: int, steps: int) -> None:
        if should_stop():
            raise GenerationCancelled
        tell(phase, step, steps)

    try:
        return _render(order, kit, on_step, began)
    except Exception as error:  # the task boundary: every failure becomes a code, the trace is logged
        if failures.loses_the_device(error):
            raise DeviceLost from error
        code = failures.code(error)
        _log.warning("job %s failed: %s", order.job_id, code, exc_info=error)
        return RenderResult(
            job_id=order.job_id,
            attempt=order.attempt,
            seconds=time.monotonic() - began,
            failure=code,
            reason=failures.reason(error),
        )


def _render(order: Order, kit: Kit, on_step: Callable[[Phase, int, int], None], began: float) -> RenderResult:
    request = order.request
    # The parent's sign that the job was taken up: a death after this word is charged to it.
    on_step("references", 0, len(request.reference_images))
    references = [
        images.open_reference(kit.blobs.get(reference.sha256), max_pixels=_MAX_REFERENCE_PIXELS)
        for reference in request.reference_images
    ]
    saving: list[Future[Picture]] = []

    def on_image(index: int, image: Image.Image) -> None:
        saving.append(kit.saver.submit(_save, image, request, request.seeds[index], kit.blobs))

    generation = pipeline.generate(
        kit.engine, request, [one.image for one in references], on_step=on_step, on_image=on_image
    )
    drawn = time.monotonic()
    pictures = []
    for index, picture in enumerate(saving):
        on_step("save", index, len(saving))
        pictures.append(picture.result())
    ended = time.monotonic()
    return RenderResult(
        job_id=order.job_id,
        attempt=order.attempt,
        pictures=tuple(pictures),
        seconds=ended - began,
        timings={**generation.timings, "save": ended - drawn},
        notes=generation.notes,
    )


def _save(image: Image.Image, request: GenerationRequest, seed: int, blobs: Blobs) -> Picture:
    data = images.encode(image, request.output_format, request.output_quality)
    return Picture(
        sha256=blobs.put(data),
        output_format=request.output_format,
        width=image.width,
        height=image.height,
        size_bytes=len(data),
        seed=seed,
    )
