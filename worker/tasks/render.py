"""The render task: an order becomes pictures in the blobs, or words, or a failure with its code. Runs in the child.

RQ's payload names this function with the job id alone; the gpu parent takes the lease, trades the id for an order and
hands it to its child, which calls it here. Owns which kind of request runs what and how a failure is told; the fence,
the lease and the queue are the parent's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from flux2.errors import GenerationCancelled, loses_the_device
from flux2.request import GenerationRequest
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from flux2.upscaling.request import UpscaleRequest
from worker import failures
from worker.contract import Phase, RenderResult
from worker.kinds.drawing import draw
from worker.kinds.kit import Kit, OnStep, Product
from worker.kinds.previewing import Show
from worker.kinds.upscaling import upscale
from worker.kinds.words import answer
from worker.pipe import Order

_log = logging.getLogger(__name__)


class DeviceLost(BaseException):
    """The accelerator's context is dead: the process has to go, the job has not failed."""


def render(
    order: Order,
    kit: Kit,
    should_stop: Callable[[], bool],
    tell: Callable[[Phase, int, int], None],
    show: Show = lambda _: None,
) -> RenderResult:
    """Run `order` and return its end; `show` is told of previews.

    Raises GenerationCancelled when `should_stop` says so, and DeviceLost.
    """
    began = time.monotonic()

    def on_step(phase: Phase, step: int, steps: int) -> None:
        if should_stop():
            raise GenerationCancelled
        tell(phase, step, steps)

    try:
        product = _run(order, replace(kit, screening=kit.screening.under(order.policy)), on_step, show)
    except Exception as error:  # the task boundary: every failure becomes a code, the trace is logged
        if loses_the_device(error):
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
    return RenderResult(
        job_id=order.job_id,
        attempt=order.attempt,
        pictures=product.pictures,
        words=product.words,
        prompt=product.prompt,
        seconds=time.monotonic() - began,
        timings=product.timings,
        notes=product.notes,
    )


def _run(order: Order, kit: Kit, on_step: OnStep, show: Show) -> Product:
    match order.request:
        case GenerationRequest():
            return draw(order.request, kit, on_step, show)
        case UpscaleRequest():
            return upscale(order.request, kit, on_step)
        case RewriteRequest() | DescribeRequest():
            return answer(order.request, kit, on_step)
