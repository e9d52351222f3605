"""Fills the hole of a patch with a loaded pipeline: no second copy of any weight.

klein has a class of its own for it in diffusers; the other pipelines run their own loop, and after each step the
latents outside the hole are set to the picture's. Owns nothing but that difference; the engine makes the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image, ImageOps

from flux2.masking import Patch

Keep = Callable[[int, torch.Tensor], torch.Tensor]
"""(step done, from 1; packed latents) -> the latents that the next step begins with."""


@dataclass(frozen=True)
class Course:
    """How a picture is drawn: by which pipeline, from which pictures, and what each step must leave alone."""

    pipe: Any
    pictures: dict[str, Any] = field(default_factory=dict)
    keep: Keep | None = None


def inpaint(pipe: Any, patch: Patch, references: Sequence[Image.Image], seed: int, dtype: torch.dtype) -> Course:
    """Return the course that fills the hole of `patch`; `references` follow it, `dtype` is the embeddings'.

    Full noise in the hole: what stands there now is seen as a reference image, as in any edit.
    """
    if type(pipe).__name__ == "Flux2KleinPipeline":
        pictures = {"image": patch.source, "mask_image": patch.hole, "strength": 1.0}
        return Course(_klein(pipe), {**pictures, "image_reference": _alike(references)})
    return Course(pipe, {"image": [patch.source, *references]}, _keeping(pipe, patch, seed, dtype))


def _klein(pipe: Any) -> Any:
    import diffusers

    build: Any = diffusers.Flux2KleinInpaintPipeline
    inpainter = build(**pipe.components, is_distilled=pipe.config.is_distilled)
    inpainter.set_progress_bar_config(disable=True)
    return inpainter


def _alike(references: Sequence[Image.Image]) -> list[Image.Image] | None:
    """The class crops all to the shape of the first; with white around them nothing of the others is lost."""
    if not references:
        return None
    first, *others = references
    return [first, *(ImageOps.pad(other, first.size, color="white") for other in others)]


def _keeping(pipe: Any, patch: Patch, seed: int, dtype: torch.dtype) -> Keep:
    from diffusers.utils.torch_utils import randn_tensor

    device = pipe._execution_device
    with torch.no_grad():
        pixels = pipe.image_processor.preprocess(patch.source).to(device, pipe.vae.dtype)
        latents = pipe._encode_vae_image(pixels, None)
    # The pipeline's own first draw from the same seed, so that both sides of the edge carry one noise.
    drawn = randn_tensor(latents.shape, torch.Generator("cpu").manual_seed(seed), device, dtype)
    clean, noise = (pipe._pack_latents(value).float() for value in (latents, drawn))
    rows, columns = latents.shape[2:]
    tokens = patch.hole.resize((columns, rows), Image.Resampling.NEAREST)
    hole = torch.frombuffer(bytearray(tokens.tobytes()), dtype=torch.uint8).view(1, -1, 1).bool().to(device)

    def keep(step: int, latents: torch.Tensor) -> torch.Tensor:
        sigma = float(pipe.scheduler.sigmas[step])
        return torch.where(hole, latents, ((1 - sigma) * clean + sigma * noise).to(latents))

    return keep
