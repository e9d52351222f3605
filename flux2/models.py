"""The registry: what each FLUX.2 model takes, its defaults and its bounds. Torch-free; travels in heartbeats.

A limit of a model stands here once; request validation, command options, README and the worker all read it.
Sources: the model cards' step and guidance figures as collected in docs/models.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from flux2.errors import InvalidRequest
from flux2.language import _

MEGAPIXEL = 1024 * 1024
"""Pixels in one megapixel as FLUX.2 counts them: 1024 x 1024."""

Quantization = Literal["none", "int8"]
"""How the weights of transformer and text encoder are kept: as they come, or in one byte each."""
QUANTIZATIONS: tuple[Quantization, ...] = ("none", "int8")

PipelineClass = Literal["Flux2Pipeline", "Flux2KleinPipeline", "Flux2KleinKVPipeline"]


class Model(BaseModel):
    """One model a worker can serve, with everything a request has to respect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Registry name, or the folder's name for a model given by path; also the RQ queue's suffix."""
    source: str
    """Hub repository id or local folder that `DiffusionPipeline.from_pretrained` takes."""
    pipeline: PipelineClass
    license: str
    gated: bool = False
    """The hub asks for a token and an accepted licence."""
    non_commercial: bool = False

    default_steps: int
    min_steps: int = 1
    max_steps: int = 50
    """min_steps == max_steps means the step count is fixed (step-distilled weights)."""
    default_guidance: float | None
    """None: the model takes no guidance scale."""
    min_guidance: float = 0.0
    max_guidance: float = 10.0
    pipeline_guidance: float | None = None
    """Passed to the pipeline where members have no say (distilled klein wants 1.0, not the library's 4.0)."""

    max_references: int
    max_reference_pixels: int = MEGAPIXEL
    """A larger reference is reduced to this; the pipelines go no higher than 1024 x 1024."""
    max_sequence_length: int = 512
    """Prompt tokens, chat template included; the pipeline pads to it, so it is part of a reproducible request."""

    min_side: int = 256
    max_side: int = 1920
    """Pixels; bounds of a WxH size. Megapixel sizes are bounded by max_pixels only."""
    max_pixels: int = 4 * MEGAPIXEL
    default_pixels: int = MEGAPIXEL
    masked_pixels: int = 0
    """What a change of one part is drawn at, at most; larger pictures are drawn around the mask. 0: takes no mask."""
    upscale_tile: int = 1024
    """Pixels, a multiple of 16: side of the tiles a large picture is enlarged in, the size the weights draw best."""
    upscale_sees_itself: bool = False
    """Whether each such tile is given its own enlarged crop as a reference image: twice the tokens, more likeness."""
    default_count: int = 1
    max_count: int = 4

    can_rewrite: bool = False
    can_describe: bool = False

    @property
    def has_fixed_steps(self) -> bool:
        """Whether the step count is part of the weights."""
        return self.min_steps == self.max_steps


def _klein(name: str, source: str, *, license: str, distilled: bool, kv: bool = False) -> Model:
    own = license != "Apache-2.0"
    return Model(
        name=name,
        source=source,
        pipeline="Flux2KleinKVPipeline" if kv else "Flux2KleinPipeline",
        license=license,
        gated=own,
        non_commercial=own,
        default_steps=4 if distilled else 50,
        min_steps=4 if distilled else 1,
        max_steps=4 if distilled else 50,
        default_guidance=None if distilled else 4.0,
        pipeline_guidance=1.0 if distilled and not kv else None,
        max_references=4,
        masked_pixels=MEGAPIXEL,
        can_rewrite=True,
    )


_NON_COMMERCIAL = "FLUX Non-Commercial License"

REGISTRY: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="dev",
            source="black-forest-labs/FLUX.2-dev",
            pipeline="Flux2Pipeline",
            license="FLUX [dev] Non-Commercial License v2.0",
            gated=True,
            non_commercial=True,
            default_steps=28,
            default_guidance=4.0,
            max_references=6,
            masked_pixels=MEGAPIXEL,
            can_rewrite=True,
            can_describe=True,
        ),
        _klein("klein-4b", "black-forest-labs/FLUX.2-klein-4B", license="Apache-2.0", distilled=True),
        _klein("klein-9b", "black-forest-labs/FLUX.2-klein-9B", license=_NON_COMMERCIAL, distilled=True),
        _klein("klein-base-4b", "black-forest-labs/FLUX.2-klein-base-4B", license="Apache-2.0", distilled=False),
        _klein("klein-base-9b", "black-forest-labs/FLUX.2-klein-base-9B", license=_NON_COMMERCIAL, distilled=False),
        _klein("klein-9b-kv", "black-forest-labs/FLUX.2-klein-9b-kv", license=_NON_COMMERCIAL, distilled=True, kv=True),
        Model(
            name="sample",
            source="flux2/sample",
            pipeline="Flux2KleinPipeline",
            license="Apache-2.0",
            default_steps=4,
            default_guidance=None,
            pipeline_guidance=1.0,
            max_references=4,
            max_reference_pixels=128 * 128,
            # Trained on 128 px scenes; 4 steps and 64 tokens read best (flux2/sample/README.md).
            max_sequence_length=64,
            min_side=64,
            max_pixels=2 * MEGAPIXEL,
            default_pixels=128 * 128,
            masked_pixels=128 * 128,
            # Twice its training size: edges as good as at 128, in a third of the time.
            upscale_tile=256,
        ),
    )
}

DEFAULT_MODEL = "klein-4b"

BY_QUALITY = ("dev", "klein-9b", "klein-9b-kv", "klein-base-9b", "klein-4b", "klein-base-4b", "sample")
"""Best first: by size, and of one size the distilled before the base weights, which are there to be trained on."""


def better(name: str, live: Mapping[str, Model]) -> Model | None:
    """Return the best of the `live` models that is better than the one called `name`; None where there is none.

    A model given by path has no place in the order: it is never taken for another, nor another for it.
    """
    above = BY_QUALITY[: BY_QUALITY.index(name)] if name in BY_QUALITY else ()
    return next((live[one] for one in above if one in live), None)


class Bounds(BaseModel):
    """Range and default of a number; no default where the host chooses one itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: float
    most: float
    default: float | None = None


class Hosted(BaseModel):
    """What a model takes that only a host's API draws. Values for the hosted back ends, which this version lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    best_for: str
    steps: Bounds | None = None
    """None: the model decides itself, and the option is refused."""
    guidance: Bounds | None = None
    max_references: int = 8
    min_side: int = 256
    max_side: int = 1920
    max_pixels: int = 4 * MEGAPIXEL
    formats: tuple[str, ...] = ("jpeg", "png")
    """What the host writes; other formats are made from it here."""
    can_rewrite: bool = True
    """The host lengthens prompts itself if told to; one that does so unasked is told not to."""


HOSTED: dict[str, Hosted] = {
    model.name: model
    for model in (
        Hosted(name="max", best_for="highest fidelity"),
        Hosted(name="pro", best_for="quality and speed in production"),
        Hosted(
            name="flex",
            best_for="lettering, and steps and guidance of one's own",
            steps=Bounds(least=1, most=50),
            guidance=Bounds(least=1.5, most=10),
        ),
        Hosted(
            name="dev",
            best_for="the open weights without a GPU",
            steps=Bounds(least=1, most=50, default=28),
            guidance=Bounds(least=0, most=10, default=4),
            max_references=4,
            formats=("jpeg", "png", "webp"),
        ),
        Hosted(name="klein-4b", best_for="least cost", max_references=4, can_rewrite=False),
        Hosted(name="klein-9b", best_for="low cost", max_references=4, can_rewrite=False),
    )
}
"""Names that also stand in REGISTRY are drawn here by local weights."""


def find(name: str) -> Model:
    """Return the registry entry called `name`.

    Raises InvalidRequest with the known names.
    """
    if name in HOSTED and name not in REGISTRY:
        raise InvalidRequest(
            _(
                "{model} is drawn by a host's API only, which this version does not reach; choose one of {known}."
            ).format(model=name, known=", ".join(REGISTRY))
        )
    try:
        return REGISTRY[name]
    except KeyError:
        known = ", ".join(REGISTRY)
        raise InvalidRequest(
            _("There is no model called “{model}”; choose one of {known}.").format(model=name, known=known)
        ) from None
