"""What a new request takes over from a finished job: everything and another seed, other words, or its picture. Pure."""

from __future__ import annotations

import secrets

from bot.ledger.job import Job
from flux2.models import Model
from flux2.request import MAX_SEED, GenerationRequest, ReferenceImage, settle


def again(request: GenerationRequest) -> GenerationRequest:
    """The same with a new seed."""
    return request.model_copy(update={"seed": secrets.randbelow(MAX_SEED + 1)})


def reworded(request: GenerationRequest, model: Model, prompt: str) -> GenerationRequest:
    """The same from other words; the seed stays, so that what the words do can be seen. Unchanged words draw anew.

    Raises InvalidRequest for words no model takes.
    """
    prompt = prompt.strip() or request.prompt
    if prompt == request.prompt:
        return again(request)
    checked, _ = settle(model, prompt)
    return request.model_copy(update={"prompt": checked.prompt})


def edited(
    job: Job, model: Model, instruction: str, pictures: tuple[ReferenceImage, ...]
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """An edit of the job's picture, which comes first in `pictures`: same size, format and settings, new words.

    Raises InvalidRequest.
    """
    old = job.request
    same_model = model.name == old.model
    request, notes = settle(
        model,
        instruction,
        reference_images=pictures,
        steps=old.num_inference_steps if same_model else None,
        guidance=old.guidance_scale if same_model else None,
        count=1,
        output_format=old.output_format,
        output_quality=old.output_quality,
    )
    # The picture's own size, where the model draws it: a WxH option is bounded more tightly than megapixels are.
    size = {"width": old.width, "height": old.height}
    if old.width * old.height <= model.max_pixels:
        request = request.model_copy(update=size)
    if len(job.pictures) > 1:
        notes = (*notes, f"The first of the {len(job.pictures)} pictures was edited.")
    return request, notes
