"""What one render asks for: a frozen, fully settled value that travels from a member's words to the pipeline call.

Torch-free. Names are diffusers' own, so a line of a recipe can be pasted into a pipeline call.
"""

from __future__ import annotations

import math
import secrets
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flux2 import sizing
from flux2.errors import InvalidRequest
from flux2.language import N_, _, listed, ngettext
from flux2.models import Model
from flux2.prompting import indexing, wildcards, wording
from flux2.prompting.styles import Style
from flux2.prompting.wildcards import MAX_VARIANTS, Variant
from flux2.region import PLACES, Cell, drawing_size, ordered, require_likeness, told

MAX_PROMPT = 6000
"""Characters; Discord's own cap on a string option."""
MAX_REFERENCES = 10
"""What one value can hold: the ten files of a modal upload. Each model's own limit is in the registry."""
MAX_SEED = 2**32 - 1
DEFAULT_STRENGTH = 0.6
"""Of a picture drawn anew: other details, the same composition."""
MIN_STRENGTH = 0.05
_SPELLED_OUT = N_(
    "With its style and colours spelled out the prompt has {count} characters; shorten it to at most {most}."
)

OutputFormat = Literal["png", "webp", "jpeg"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReferenceImage(BaseModel):
    """A picture the request refers to, by content; its bytes lie in the blobs, never in the request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class GenerationRequest(BaseModel):
    """Everything that decides the pixels, already inside the model's bounds. Build it with `settle`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[Literal["render"]] = "render"
    """Not a field: a request that states no kind is one of these, as the first ones were."""
    model: str
    prompt: str = Field(min_length=1, max_length=MAX_PROMPT)
    width: int = Field(ge=sizing.MULTIPLE, multiple_of=sizing.MULTIPLE)
    height: int = Field(ge=sizing.MULTIPLE, multiple_of=sizing.MULTIPLE)
    num_inference_steps: int = Field(ge=1)
    guidance_scale: float | None = None
    seed: int = Field(ge=0, le=MAX_SEED)
    count: int = Field(default=1, ge=1, le=10)
    """Pictures; picture i is drawn with seed + i."""
    reference_images: tuple[ReferenceImage, ...] = Field(default=(), max_length=MAX_REFERENCES)
    output_format: OutputFormat = "webp"
    output_quality: int = Field(default=80, ge=0, le=100)
    """For webp and jpeg; png is lossless."""
    upsample: Literal["none", "local", "openrouter"] = Field(default="none", exclude_if=lambda route: route == "none")
    """Who rewrites the prompt before it is drawn. Once that is done the prompt is the new one, and this none."""
    variants: tuple[Variant, ...] = Field(default=(), max_length=MAX_VARIANTS, exclude_if=lambda value: not value)
    """What lists in the prompt mean: one picture each, all from the same seed so that the words make the
    difference. Not written where there are none: a worker that never heard of lists draws everything else.
    """

    init_image: ReferenceImage | None = Field(default=None, exclude_if=lambda image: image is None)
    """The picture that is drawn anew instead of pure noise; it decides nothing else, the references stay what they are.
    Not written where there is none, as with variants.
    """
    strength: float = Field(default=1.0, gt=0, le=1, exclude_if=lambda strength: strength == 1)
    """The share of the steps that is drawn over it, with their noise; at 1 nothing of it is left."""

    region: tuple[Cell, ...] = Field(default=(), max_length=len(PLACES), exclude_if=lambda value: not value)
    """Cells of the first reference image that change; with a mask, what either names changes."""
    mask_image: ReferenceImage | None = Field(default=None, exclude_if=lambda value: value is None)
    """A picture over the first reference image, white where that is to change. All else keeps its pixels."""

    @model_validator(mode="after")
    def _weakened_with_a_picture(self) -> Self:
        if self.init_image is None and self.strength != 1:
            raise ValueError("a strength, but no picture to draw anew")
        return self

    @model_validator(mode="after")
    def _one_picture_a_variant(self) -> Self:
        if self.variants and self.count != len(self.variants):
            raise ValueError(f"{len(self.variants)} variants, but a count of {self.count}")
        return self

    @model_validator(mode="after")
    def _something_to_mask(self) -> Self:
        if self.is_masked and (self.init_image or not self.reference_images):
            raise ValueError("a region or a mask of no picture, or of one that is drawn anew as a whole")
        return self

    @property
    def is_masked(self) -> bool:
        """Whether only a part of the first reference image changes; the result then has that image's size."""
        return bool(self.region or self.mask_image)

    @property
    def prompts(self) -> tuple[str, ...]:
        """The prompt of each picture."""
        return tuple(variant.prompt for variant in self.variants) or (self.prompt,) * self.count

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture."""
        if self.variants:
            return (self.seed,) * self.count
        return tuple((self.seed + i) % (MAX_SEED + 1) for i in range(self.count))

    @property
    def denoising_steps(self) -> int:
        """Steps that each picture takes: of a weaker strength the same share, as diffusers counts them."""
        return max(1, math.ceil(round(self.num_inference_steps * self.strength, 6)))

    def of_picture(self, index: int) -> GenerationRequest:
        """The request that draws picture `index` by itself, from 0."""
        alone = {"prompt": self.prompts[index], "seed": self.seeds[index], "count": 1, "variants": ()}
        return self.model_copy(update=alone)

    @property
    def cost(self) -> float:
        """Work in token-steps: what the seconds of a render grow with, to first order."""
        tokens = self.width * self.height + sum(min(r.width * r.height, 1024 * 1024) for r in self.reference_images)
        return tokens / sizing.MULTIPLE**2 * self.denoising_steps * self.count


def settle(
    model: Model,
    prompt: str,
    *,
    style: Style | None = None,
    reference_images: tuple[ReferenceImage, ...] = (),
    init_image: ReferenceImage | None = None,
    strength: float | None = None,
    region: tuple[str, ...] = (),
    mask_image: ReferenceImage | None = None,
    aspect: str | None = None,
    size: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    seed: int | None = None,
    count: int | None = None,
    output_format: str | None = None,
    output_quality: int | None = None,
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """Turn what was asked into a request `model` can run, and the notes to be said on the result.

    `region` and `mask_image` say which part of the first reference image changes, which then gives the size. Unset
    values take the style's, then the model's defaults; an unset seed is drawn at random. Raises InvalidRequest with one
    sentence.
    """
    variants = _variants(prompt, style, count)
    text, said = (_list(prompt, style), ()) if variants else _prompt(prompt, style)
    _check_references(model, len(reference_images))
    for worded in [variant.prompt for variant in variants] or [text]:
        indexing.check(worded, len(reference_images))
    if region or mask_image:
        sized = _masked_size(model, aspect, size, reference_images, init_image, region, mask_image)
    else:
        sized = _size(model, style, aspect, size, reference_images, init_image)
    width, height, shaped = sized
    chosen_format = _format(output_format, keeps_pixels=bool(region or mask_image))
    request = GenerationRequest(
        model=model.name,
        prompt=text,
        width=width,
        height=height,
        num_inference_steps=_steps(model, steps),
        guidance_scale=_guidance(model, guidance),
        seed=_bounded(_("Seed"), seed, 0, MAX_SEED, secrets.randbelow(MAX_SEED + 1)),
        count=len(variants) or _bounded(_("Count"), count, 1, model.max_count, model.default_count),
        reference_images=reference_images,
        init_image=init_image,
        strength=_strength(strength, init_image),
        output_format=chosen_format,
        output_quality=_bounded(_("Quality"), output_quality, 0, 100, 80),
        variants=variants,
        region=ordered(region),
        mask_image=mask_image,
    )
    is_ignored = output_quality is not None and chosen_format == "png"
    ignored = _("Quality was ignored: png is lossless.") if is_ignored else None
    return request, (*said, *shaped, *filter(None, (ignored,)))


def _check_references(model: Model, count: int) -> None:
    if count > model.max_references:
        refusal = ngettext(
            "{model} takes at most {most} reference image, and {count} were given; remove some.",
            "{model} takes at most {most} reference images, and {count} were given; remove some.",
            model.max_references,
        )
        raise InvalidRequest(refusal.format(model=model.name, most=model.max_references, count=count))


def _variants(prompt: str, style: Style | None, count: int | None) -> tuple[Variant, ...]:
    """Word each of the prompts that lists make; none where there are no lists."""
    found = wildcards.expand(prompt)
    if len(found) == 1:
        return ()
    if (count or 1) > 1:
        raise InvalidRequest(
            _("The lists in the prompt make {count} pictures already; leave count out.").format(count=len(found))
        )
    return tuple(Variant(_prompt(variant.prompt, style)[0], variant.label) for variant in found)


def _list(prompt: str, style: Style | None) -> str:
    """The prompt with its lists, in a style's words: it means the same pictures again, without the style."""
    text = style.apply(prompt.strip()) if style else prompt.strip()
    _check_length(text, _(_SPELLED_OUT))
    return text


def _prompt(prompt: str, style: Style | None) -> tuple[str, tuple[str, ...]]:
    if not prompt.strip():
        raise InvalidRequest(_("The prompt is empty; say in a few words what the picture should show."))
    _check_length(prompt.strip(), _("The prompt has {count} characters; shorten it to at most {most}."))
    worded = wording.word(prompt, style)
    _check_length(worded.text, _(_SPELLED_OUT))
    return worded.text, worded.notes


def _check_length(prompt: str, refusal: str) -> None:
    if len(prompt) > MAX_PROMPT:
        raise InvalidRequest(refusal.format(count=len(prompt), most=MAX_PROMPT))


def _size(
    model: Model,
    style: Style | None,
    aspect: str | None,
    size: str | None,
    references: tuple[ReferenceImage, ...],
    init_image: ReferenceImage | None,
) -> tuple[int, int, tuple[str, ...]]:
    """Take the style's size where the member gave neither size nor aspect, and no picture gives its shape."""
    if init_image and not (aspect or size):
        return *sizing.own(model, init_image.width, init_image.height), ()
    shapes = tuple((image.width, image.height) for image in references)
    if style is None or style.size is None or aspect or size or shapes:
        width, height, snapped = sizing.settle(model, aspect, size, shapes)
        return width, height, tuple(filter(None, (snapped, sizing.shape_note(aspect, size, len(shapes)))))
    width, height = (int(side) for side in style.size.split("x"))
    if sizing.is_drawable(model, width, height):
        width, height, snapped = sizing.settle(model, None, style.size)
    else:
        width, height, snapped = sizing.settle(model, None, None, ((width, height),))
    return width, height, (snapped,) if snapped else ()


def _masked_size(
    model: Model,
    aspect: str | None,
    size: str | None,
    references: tuple[ReferenceImage, ...],
    init_image: ReferenceImage | None,
    region: tuple[str, ...],
    mask: ReferenceImage | None,
) -> tuple[int, int, tuple[str, ...]]:
    """What the first picture's part is drawn at; that picture's own aspect may be named, since it is kept anyway."""
    if init_image:
        raise InvalidRequest(_("A picture is drawn anew as a whole; leave region and mask out, or edit it instead."))
    if not references:
        raise InvalidRequest(
            _("A region or a mask needs a picture to change; attach one, or leave region and mask out.")
        )
    if size or aspect not in {None, sizing.MATCH, f"{sizing.MATCH}:1"}:
        raise InvalidRequest(
            _(
                "The picture keeps its size where only a part of it changes; "
                "leave size and aspect out, or region and mask."
            )
        )
    picture = references[0].width, references[0].height
    if mask:
        require_likeness((mask.width, mask.height), picture)
    where = listed(list(filter(None, (told(region), _("the mask") if mask else ""))))
    return *drawing_size(model, *picture), (_("Only {where} was drawn anew.").format(where=where),)


def _bounded(what: str, value: int | None, low: int, high: int, default: int) -> int:
    if value is None:
        return default
    if not low <= value <= high:
        raise InvalidRequest(
            _("{what} {value} is out of range; give {low} to {high}.").format(
                what=what, value=value, low=low, high=high
            )
        )
    return value


def _steps(model: Model, steps: int | None) -> int:
    if steps is None:
        return model.default_steps
    if model.has_fixed_steps and steps != model.default_steps:
        raise InvalidRequest(
            _("{model} always takes {steps} steps (its weights are step-distilled); leave the option out.").format(
                model=model.name, steps=model.default_steps
            )
        )
    return _bounded("Steps", steps, model.min_steps, model.max_steps, model.default_steps)


def _guidance(model: Model, guidance: float | None) -> float | None:
    if guidance is None:
        return model.default_guidance
    if model.default_guidance is None:
        raise InvalidRequest(
            _("{model} takes no guidance (its weights are distilled); leave the option out.").format(model=model.name)
        )
    if not model.min_guidance <= guidance <= model.max_guidance:
        raise InvalidRequest(
            _("Guidance {guidance:g} is out of range; give {low:g} to {high:g}.").format(
                guidance=guidance, low=model.min_guidance, high=model.max_guidance
            )
        )
    return guidance


def _strength(strength: float | None, init_image: ReferenceImage | None) -> float:
    if init_image is None:
        if strength is not None:
            raise InvalidRequest(_("Strength is for a picture that is drawn anew; give one, or leave strength out."))
        return 1.0
    if strength is not None and not MIN_STRENGTH <= strength <= 1:
        raise InvalidRequest(
            _("Strength {strength:g} is out of range; give {low:g} to 1.").format(strength=strength, low=MIN_STRENGTH)
        )
    return DEFAULT_STRENGTH if strength is None else strength


def _format(name: str | None, *, keeps_pixels: bool) -> OutputFormat:
    """Only a lossless file keeps the rest of a picture as it is."""
    match (name or ("png" if keeps_pixels else "webp")).lower():
        case "webp":
            return "webp"
        case "png":
            return "png"
        case "jpeg" | "jpg":
            return "jpeg"
        case other:
            raise InvalidRequest(_("Format “{format}” is not known; choose webp, png or jpeg.").format(format=other))
