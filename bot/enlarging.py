"""What a member asks of an upscale before any model has been looked at, and what the picture's own history adds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.language import _
from bot.ledger.job import Job
from bot.policy import Terms
from flux2.models import Model
from flux2.request import GenerationRequest, ReferenceImage
from flux2.upscaling.request import DEFAULT_STEPS, MIN_STEPS, UpscaleRequest, settle

_UNREAD = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Enlargement:
    """Options of an upscale, as given; None where the member left one out."""

    factor: float | None = None
    size: str | None = None
    creativity: float | None = None
    guidance: float | None = None
    steps: int | None = None
    seed: int | None = None
    prompt: str | None = None
    method: str | None = None

    def within(self, terms: Terms) -> Enlargement:
        """The same where these terms hold: steps that were left out are no more than may be asked for."""
        bound = terms.bounds.get("steps")
        if self.steps is not None or bound is None or bound.most >= DEFAULT_STEPS:
            return self
        return replace(self, steps=max(int(bound.most), MIN_STEPS))

    def settle(self, model: Model, picture: ReferenceImage, recipe: str = "") -> tuple[UpscaleRequest, tuple[str, ...]]:
        """Return the request and the notes to be said on its result. Raises InvalidRequest."""
        return settle(
            model,
            picture,
            factor=self.factor,
            size=self.size,
            creativity=self.creativity,
            guidance=self.guidance,
            steps=self.steps,
            seed=self.seed,
            prompt=self.prompt,
            method=self.method,
            recipe=recipe,
        )

    def rehearse(self, model: Model, shape: tuple[int, int]) -> None:
        """Settle with a picture of which only its (width, height) is known yet. Raises InvalidRequest."""
        self.settle(model, ReferenceImage(sha256=_UNREAD, width=shape[0], height=shape[1]))


def recipe_of(job: Job | None, number: int = 1) -> str:
    """The words that picture `number` was drawn from; none where they say what to change, not what is seen."""
    match job.request if job else None:
        case GenerationRequest(reference_images=()) as request:
            return request.of_picture(number - 1).prompt
        case UpscaleRequest() as request:
            return request.prompt or request.caption or request.recipe
        case _:
            return ""


def which_of(job: Job, number: int = 1) -> tuple[str, ...]:
    """The note on a result that used picture `number` of several."""
    count = len(job.pictures)
    said = _("Image {number} of the {count} pictures was enlarged.").format(number=number, count=count)
    return (said,) if count > 1 else ()
