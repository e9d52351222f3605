"""What a member asked for before any model has been looked at, and the checks that need nothing but the payload."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bot.language import _, ngettext
from bot.refusal import Refusal
from flux2.models import Model
from flux2.prompting.styles import Style
from flux2.request import MAX_PROMPT, GenerationRequest, ReferenceImage, settle

_UNREAD = "0" * 64
"""Stands for the hash of a picture that has not been read yet; never leaves a dry run."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a drawing command, as given; None where the member left one out."""

    prompt: str
    style: Style | None = None
    region: tuple[str, ...] = ()
    """Cells of the first picture that are to change."""
    mask_image: ReferenceImage | None = None
    """White where the first picture is to change; in the blobs once it was gathered."""
    aspect: str | None = None
    size: str | None = None
    model: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    count: int | None = None
    output_format: str | None = None
    output_quality: int | None = None
    upsample: Literal["none", "local", "openrouter", "auto"] | None = None
    """Who rewrites the prompt first; bot/routes.py settles it."""
    says_all: bool = False
    """Whether a recipe decides what was left out, which nothing that is preferred changes then."""
    strength: float | None = None
    """Of a recipe that draws a picture anew: the first one given, which is no reference then."""
    least_pictures: int = 0
    """Pictures that a recipe was drawn from and cannot bring along."""
    needs_mask: bool = False
    """Whether such a recipe changed what a mask named."""

    def reworded(self, prompt: str) -> Options:
        """The same with another prompt."""
        return replace(self, prompt=prompt)

    def settle(
        self, model: Model, references: tuple[ReferenceImage, ...] = ()
    ) -> tuple[GenerationRequest, tuple[str, ...]]:
        """Return the request and the notes to be said on its result. Raises Refusal and InvalidRequest."""
        self._require_pictures(len(references))
        redrawn = references[0] if self.strength is not None else None
        return settle(
            model,
            self.prompt,
            style=self.style,
            reference_images=references[1:] if redrawn else references,
            init_image=redrawn,
            strength=self.strength,
            region=self.region,
            mask_image=self.mask_image,
            aspect=self.aspect,
            size=self.size,
            steps=self.steps,
            guidance=self.guidance,
            seed=self.seed,
            count=self.count,
            output_format=self.output_format,
            output_quality=self.output_quality,
        )

    def _require_pictures(self, given: int) -> None:
        """Refuse a recipe without what it was drawn from."""
        if (missing := self.least_pictures - given) > 0:
            needed = ngettext(
                "That recipe was drawn from {count} more picture; attach it beside the file.",
                "That recipe was drawn from {count} more pictures; attach them beside the file, in their order.",
                missing,
            )
            if self.strength is not None:
                needed = ngettext(
                    "That recipe draws a picture anew; attach that picture beside the file.",
                    "That recipe draws a picture anew; attach that one first beside the file, then its references, "
                    "{count} more in all.",
                    missing,
                )
            raise Refusal(needed.format(count=missing))
        if self.needs_mask and self.mask_image is None:
            raise Refusal(_("That recipe changes what a mask named: give /edit the picture, the file, and the mask."))

    def rehearse(self, model: Model, shapes: tuple[tuple[int, int], ...], mask: tuple[int, int] | None = None) -> None:
        """Settle with references, and a mask, of which only the stated shapes are known yet. Raises InvalidRequest."""
        asked = replace(self, mask_image=_unread(mask)) if mask else self
        asked.settle(model, tuple(_unread(shape) for shape in shapes))

    def require_prompt(self) -> None:
        """Refuse what no model could draw."""
        length = len(self.prompt.strip())
        if not length:
            raise Refusal(_("The prompt is empty; say in a few words what the picture should show."))
        if length > MAX_PROMPT:
            raise Refusal(
                _("The prompt has {length} characters; shorten it to at most {most}.").format(
                    length=length, most=MAX_PROMPT
                )
            )


def _unread(shape: tuple[int, int]) -> ReferenceImage:
    return ReferenceImage(sha256=_UNREAD, width=shape[0], height=shape[1])
