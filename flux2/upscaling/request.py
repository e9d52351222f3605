"""What one upscale asks for: a frozen, fully settled value. Torch-free.

Owns the bounds of an upscale and how its size is found. Declines to know how detail is added.
"""

from __future__ import annotations

import math
import re
import secrets
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.models import MEGAPIXEL, Model
from flux2.request import MAX_PROMPT, MAX_SEED, OutputFormat, ReferenceImage

Method = Literal["flux", "classic"]
"""flux: the model adds detail; classic: Lanczos alone, no model."""

MAX_PIXELS = 16 * MEGAPIXEL
"""4096 x 4096."""
MIN_SOURCE_SIDE = 32
"""Pixels; with less there is nothing to keep to."""
MIN_FACTOR, MAX_FACTOR, DEFAULT_FACTOR = 1.0, 4.0, 2.0
_WORTHWHILE_FACTOR = 1.1
"""Less than this is done only where it was asked for."""
DEFAULT_CREATIVITY = 0.3
MIN_GUIDANCE, MAX_GUIDANCE, DEFAULT_GUIDANCE = 1.0, 4.0, 1.0
MIN_STEPS, MAX_STEPS, DEFAULT_STEPS = 4, 50, 20
DEFAULT_QUALITY = 95
NEUTRAL = "A sharp, detailed picture."
"""What a picture is told to be that nobody has words for."""
"""Of webp and jpeg: detail is what was asked for."""
SIZES = ("1", "2", "4", "8", "16")
"""Megapixels a size may name instead of WxH."""
_EXPLICIT = re.compile(r"^\s*(\d{1,6})\s*[xX×*]\s*(\d{1,6})\s*$")


class UpscaleRequest(BaseModel):
    """Everything that decides the pixels of an upscale. Build it with `settle`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["upscale"] = "upscale"
    model: str
    image: ReferenceImage
    """The picture to enlarge."""
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    """Of the result: any number of pixels, not only multiples of 16."""
    method: Method = "flux"
    creativity: float = Field(default=DEFAULT_CREATIVITY, ge=0, le=1)
    """The noise level denoising starts from: 0 keeps every detail there is, 1 keeps nothing."""
    guidance_scale: float | None = None
    num_inference_steps: int = Field(default=DEFAULT_STEPS, ge=MIN_STEPS, le=MAX_STEPS)
    seed: int = Field(ge=0, le=MAX_SEED)
    prompt: str = Field(default="", max_length=MAX_PROMPT)
    """What the member says the picture shows; empty: it is captioned."""
    recipe: str = Field(default="", max_length=MAX_PROMPT)
    """The prompt the picture was drawn from, where it was drawn here."""
    upsample: Literal["none", "openrouter"] = Field(default="none", exclude_if=lambda route: route == "none")
    """Who looks at the picture before a GPU does."""
    caption: str = Field(default="", max_length=MAX_PROMPT, exclude_if=lambda words: not words)
    """What they saw."""
    output_format: OutputFormat = "webp"
    output_quality: int = Field(default=DEFAULT_QUALITY, ge=0, le=100)

    @property
    def count(self) -> int:
        """Pictures."""
        return 1

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each picture."""
        return (self.seed,)

    @property
    def reference_images(self) -> tuple[ReferenceImage, ...]:
        """The pictures that have to be in the blobs."""
        return (self.image,)

    @property
    def factor(self) -> float:
        """How many times longer the sides become."""
        return max(self.width / self.image.width, self.height / self.image.height)

    @property
    def cost(self) -> float:
        """Work in token-steps, as a render counts it; each tile also looks at its own crop."""
        steps = self.num_inference_steps if self.method == "flux" and self.creativity else 1
        return 2 * self.width * self.height / 16**2 * steps


def settle(
    model: Model,
    image: ReferenceImage,
    *,
    factor: float | None = None,
    size: str | None = None,
    creativity: float | None = None,
    guidance: float | None = None,
    steps: int | None = None,
    seed: int | None = None,
    prompt: str | None = None,
    recipe: str = "",
    method: str | None = None,
    output_format: OutputFormat = "webp",
    output_quality: int = DEFAULT_QUALITY,
) -> tuple[UpscaleRequest, tuple[str, ...]]:
    """Turn what was asked into an upscale `model` can run, and the notes to be said on its result.

    Unset values take their defaults; an unset seed is drawn at random. Raises InvalidRequest with one sentence.
    """
    width, height, size_note = target((image.width, image.height), factor, size)
    scale, guidance_note = _guidance(model, guidance)
    request = UpscaleRequest(
        model=model.name,
        image=image,
        width=width,
        height=height,
        method=_method(method),
        creativity=_bounded(_("Creativity"), creativity, 0, 1, DEFAULT_CREATIVITY),
        guidance_scale=scale,
        num_inference_steps=int(_bounded(_("Steps"), steps, MIN_STEPS, MAX_STEPS, DEFAULT_STEPS)),
        seed=int(_bounded(_("Seed"), seed, 0, MAX_SEED, secrets.randbelow(MAX_SEED + 1))),
        prompt=_words(prompt),
        recipe=recipe[:MAX_PROMPT],
        output_format=output_format,
        output_quality=output_quality,
    )
    return request, tuple(note for note in (size_note, guidance_note) if note)


def target(source: tuple[int, int], factor: float | None, size: str | None) -> tuple[int, int, str | None]:
    """Return (width, height, note) of the result for a picture of `source` (width, height) pixels.

    `size` is megapixels or WxH, a box the picture is fitted into. Raises InvalidRequest.
    """
    require_source(source)
    most = _largest_factor(source)
    if size is not None:
        if factor is not None:
            raise InvalidRequest(_("Give either a factor or a size, not both."))
        return _sized(source, size, most)
    if factor is None:
        if most < _WORTHWHILE_FACTOR:
            raise InvalidRequest(
                _(
                    "The picture is {source}, as large as an upscale gets; to redraw it at that size give factor 1."
                ).format(source=f"{source[0]}x{source[1]}")
            )
        if most >= DEFAULT_FACTOR:
            return *_scaled(source, DEFAULT_FACTOR), None
        said = _("Enlarged {factor:.2f}×, to the {most} megapixels that can be.")
        return *_scaled(source, most), said.format(factor=most, most=MAX_PIXELS // MEGAPIXEL)
    if not MIN_FACTOR <= factor <= MAX_FACTOR:
        raise InvalidRequest(
            _("Factor {factor:g} is out of range; give {low:g} to {high:g}.").format(
                factor=factor, low=MIN_FACTOR, high=MAX_FACTOR
            )
        )
    if factor > most:
        raise _beyond(source, factor, most)
    return *_scaled(source, factor), None


def require_source(source: tuple[int, int]) -> None:
    """Raise InvalidRequest for a picture of (width, height) pixels that is too small or too large to be enlarged."""
    width, height = source
    if min(source) < MIN_SOURCE_SIDE:
        raise InvalidRequest(
            _("The picture is {width}x{height}; each side has to be at least {least} pixels to be enlarged.").format(
                width=width, height=height, least=MIN_SOURCE_SIDE
            )
        )
    if width * height > MAX_PIXELS:
        raise InvalidRequest(
            _(
                "The picture is {width}x{height}, more than the {most} megapixels an upscale ends at; "
                "scale it down first."
            ).format(width=width, height=height, most=MAX_PIXELS // MEGAPIXEL)
        )


def _largest_factor(source: tuple[int, int]) -> float:
    return min(MAX_FACTOR, math.sqrt(MAX_PIXELS / (source[0] * source[1])))


def _scaled(source: tuple[int, int], factor: float) -> tuple[int, int]:
    """Whole pixels, never above MAX_PIXELS."""
    width, height = (round(side * factor) for side in source)
    while width * height > MAX_PIXELS:  # rounding up by half a pixel may pass the limit
        width, height = (width - 1, height) if width >= height else (width, height - 1)
    return width, height


def _beyond(source: tuple[int, int], factor: float, most: float) -> InvalidRequest:
    width, height = (round(side * factor) for side in source)
    floor = math.floor(most * 100) / 100
    return InvalidRequest(
        _(
            "{width}x{height} is more than the {most} megapixels an upscale ends at; "
            "for a picture of {source} give a factor of at most {factor:g}."
        ).format(
            width=width,
            height=height,
            most=MAX_PIXELS // MEGAPIXEL,
            source=f"{source[0]}x{source[1]}",
            factor=floor,
        )
    )


def _sized(source: tuple[int, int], size: str, most: float) -> tuple[int, int, str | None]:
    explicit = _EXPLICIT.match(size)
    if explicit:
        box = int(explicit[1]), int(explicit[2])
        factor = min(box[0] / source[0], box[1] / source[1])
    elif size.strip() in SIZES:
        factor = math.sqrt(int(size) * MEGAPIXEL / (source[0] * source[1]))
        box = _scaled(source, factor) if factor <= most else (0, 0)
    else:
        raise InvalidRequest(
            _("Size “{size}” is not understood; use {known} (megapixels) or WxH such as 2048x1536.").format(
                size=size, known=", ".join(SIZES)
            )
        )
    if not MIN_FACTOR <= factor <= MAX_FACTOR:
        low, high = source, _scaled(source, most)
        raise InvalidRequest(
            _("Size {size} is out of reach of a picture of {source}; give {low} to {high}.").format(
                size=size.strip(),
                source=f"{source[0]}x{source[1]}",
                low=f"{low[0]}x{low[1]}",
                high=f"{high[0]}x{high[1]}",
            )
        )
    if factor > most:
        raise _beyond(source, factor, most)
    true = _scaled(source, factor)
    if true == box:
        return *true, None
    note = _("Size {asked} became {true}, which keeps the picture's shape.")
    return *true, note.format(asked=size.strip(), true=f"{true[0]}x{true[1]}")


def _guidance(model: Model, guidance: float | None) -> tuple[float | None, str | None]:
    value = _bounded(_("Guidance"), guidance, MIN_GUIDANCE, MAX_GUIDANCE, DEFAULT_GUIDANCE)
    if model.default_guidance is not None:
        return value, None
    if guidance is None or guidance == DEFAULT_GUIDANCE:
        return None, None
    said = _("{model} takes no guidance (its weights are distilled), so {guidance:g} was not used.")
    return None, said.format(model=model.name, guidance=guidance)


def _bounded(what: str, value: float | None, low: float, high: float, default: float) -> float:
    if value is None:
        return default
    if not low <= value <= high:
        raise InvalidRequest(
            _("{what} {value:.10g} is out of range; give {low:.10g} to {high:.10g}.").format(
                what=what, value=value, low=low, high=high
            )
        )
    return value


def _words(prompt: str | None) -> str:
    words = (prompt or "").strip()
    if len(words) > MAX_PROMPT:
        raise InvalidRequest(
            _("The prompt has {count} characters; shorten it to at most {most}.").format(
                count=len(words), most=MAX_PROMPT
            )
        )
    return words


def _method(name: str | None) -> Method:
    match name or "flux":
        case "flux":
            return "flux"
        case "classic":
            return "classic"
        case other:
            raise InvalidRequest(_("Method “{method}” is not known; choose flux or classic.").format(method=other))
