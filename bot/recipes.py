"""What a new request takes over from a finished job: everything and another seed, other words, or its picture. Pure."""

from __future__ import annotations

import secrets

from bot.ledger.job import Job
from flux2.models import Model
from flux2.request import MAX_SEED, GenerationRequest, ReferenceImage, settle
from flux2.sizing import own
from flux2.upsampling.request import WordsRequest
from worker.contract import Request


def again(request: Request) -> Request:
    """The same with a new seed."""
    return request.model_copy(update={"seed": secrets.randbelow(MAX_SEED + 1)})


def reworded(request: Request, model: Model, prompt: str) -> Request:
    """The same from other words; the seed stays, so that what the words do can be seen. Unchanged words draw anew.

    Raises InvalidRequest for words no model takes.
    """
    prompt = prompt.strip() or request.prompt
    if prompt == request.prompt:
        return again(request)
    references = request.reference_images if isinstance(request, GenerationRequest) else ()
    checked, _ = settle(model, prompt, reference_images=references)
    changed: dict[str, object] = {"prompt": checked.prompt}
    if isinstance(request, GenerationRequest) and (checked.variants or request.variants):
        changed |= {"variants": checked.variants, "count": checked.count}
    return request.model_copy(update=changed)


def edited(
    job: Job,
    model: Model,
    instruction: str,
    pictures: tuple[ReferenceImage, ...],
    *,
    region: tuple[str, ...] = (),
    mask: ReferenceImage | None = None,
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """An edit of one of the job's pictures, which comes first in `pictures`: same size, format and settings, new words.

    Of a part alone where `region` or `mask` names one; then in a lossless format, so that the rest stays as it is.
    Raises InvalidRequest.
    """
    old = job.request
    if isinstance(old, WordsRequest):
        return settle(model, instruction, reference_images=pictures, count=1)
    same_kind = isinstance(old, GenerationRequest) and model.name == old.model
    request, notes = settle(
        model,
        instruction,
        reference_images=pictures,
        region=region,
        mask_image=mask,
        steps=old.num_inference_steps if same_kind else None,
        guidance=old.guidance_scale if same_kind else None,
        count=1,
        output_format=None if region or mask else old.output_format,
        output_quality=None if region or mask or old.output_format == "png" else old.output_quality,
    )
    if request.is_masked:
        return request, notes
    width, height = own(model, old.width, old.height)
    return request.model_copy(update={"width": width, "height": height}), notes
