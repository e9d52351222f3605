"""Words instead of a picture: a prompt rewritten, or a picture described, by the text encoder that is loaded anyway."""

from __future__ import annotations

import time

from flux2.upsampling import rewriting
from flux2.upsampling.local import Local
from flux2.upsampling.port import MAX_ANSWER_TOKENS
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from worker.kinds.kit import Kit, OnStep, Product, open_picture


def answer(request: RewriteRequest | DescribeRequest, kit: Kit, on_step: OnStep) -> Product:
    """Answer `request`. Raises UpsamplingFailed and ScreeningRefused."""
    began = time.monotonic()
    on_step("references", 0, len(request.reference_images))
    images = [open_picture(reference, kit.blobs) for reference in request.reference_images]
    for image in images:
        kit.screening.check_image(image, "reference image")
    upsampler = Local(kit.engine, seed=request.seed, on_token=lambda done: on_step("rewrite", done, MAX_ANSWER_TOKENS))
    notes: tuple[str, ...] = ()
    on_step("rewrite", 0, MAX_ANSWER_TOKENS)
    if isinstance(request, DescribeRequest):
        words = rewriting.describe(upsampler, images[0])
    else:
        kit.screening.check_prompt(request.prompt)
        done = rewriting.rewrite(upsampler, request.prompt, images, structured=request.structured)
        words, notes = done.prompt, done.notes
    kit.screening.check_prompt(words, "rewritten prompt")
    return Product(words=words, timings={"rewrite": time.monotonic() - began}, notes=notes)
