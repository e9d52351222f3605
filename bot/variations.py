"""What is drawn from a picture that pleases: the same with other details, or the same by a better model. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from bot.enlarging import recipe_of
from bot.language import _
from bot.ledger.job import Job
from bot.refusal import Refusal
from flux2 import sizing
from flux2.models import Model, better
from flux2.prompting import indexing
from flux2.request import MAX_SEED, GenerationRequest, ReferenceImage, settle
from flux2.upscaling.request import NEUTRAL
from worker.contract import Request

SUBTLE = 0.6
"""Strength; other details on the same composition."""
STRONG = 0.8
"""Parts of the composition change too."""


def varied(
    job: Job, model: Model, number: int, picture: ReferenceImage, strength: float
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """Picture `number` of the job, drawn anew by its own words and references from a new seed, as many as it was drawn.

    Raises InvalidRequest.
    """
    old = job.request
    drawn = old.of_picture(number - 1) if isinstance(old, GenerationRequest) else None
    if drawn is not None and drawn.model == model.name:
        anew: dict[str, object] = {"init_image": picture, "strength": strength, "seed": secrets.randbelow(MAX_SEED + 1)}
        anew |= {"region": (), "mask_image": None}  # it is drawn as a whole
        return drawn.model_copy(update={**anew, "count": _count(old, model)}), _which(job, number)
    request, notes = settle(
        model,
        drawn.prompt if drawn else recipe_of(job) or job.words or NEUTRAL,
        reference_images=drawn.reference_images if drawn else (),
        init_image=picture,
        strength=strength,
        count=_count(old, model),
        output_format=getattr(old, "output_format", None),
        output_quality=getattr(old, "output_quality", None),
    )
    return request, (*_which(job, number), *notes)


def _count(request: Request, model: Model) -> int:
    """As many as one prompt of the request was drawn."""
    if not isinstance(request, GenerationRequest) or request.variants:
        return 1
    return min(request.count, model.max_count)


def finer(request: Request, live: Mapping[str, Model]) -> Model | None:
    """The model that would draw what `request` drew better: a better one, or the same with all its steps.

    None where there is none.
    """
    if not isinstance(request, GenerationRequest):
        return None
    own = live.get(request.model)
    has_steps_left = own is not None and request.num_inference_steps < own.default_steps
    return better(request.model, live) or (own if has_steps_left else None)


def finished(
    job: Job, live: Mapping[str, Model], number: int, picture: ReferenceImage
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """Picture `number` of the job, drawn by the `finer` model that looks at it as image 1, at its usual size at least.

    Raises Refusal where there is no such model, and InvalidRequest.
    """
    old, model = job.request, finer(job.request, live)
    if model is None or not isinstance(old, GenerationRequest):
        raise Refusal(_("No better model is running for this picture right now; Upscale makes it larger and sharper."))
    draft = old.of_picture(number - 1)
    later = {one: one + 1 for one in range(1, len(draft.reference_images) + 1)}
    request, notes = settle(
        model,
        indexing.renumbered(draft.prompt, later),
        reference_images=(picture, *draft.reference_images),
        seed=draft.seed,
        count=1,
        output_format=draft.output_format,
        output_quality=draft.output_quality,
    )
    width, height = sizing.own(model, draft.width, draft.height)
    if width * height < model.default_pixels:
        width, height = sizing.fit(draft.width / draft.height, model.default_pixels)
    said = _("Drawn by {model} with the draft as its image 1.").format(model=model.name)
    shape = tuple(note for note in notes if note != sizing.shape_note(None, None, 1))
    return request.model_copy(update={"width": width, "height": height}), (*_which(job, number), said, *shape)


def _which(job: Job, number: int) -> tuple[str, ...]:
    count = len(job.pictures)
    return (_("From image {number} of {count}.").format(number=number, count=count),) if count > 1 else ()
