"""Where a render begins that draws a picture anew: the picture in latents, with the noise of a later step mixed in.

The pipelines take latents and sigmas of one's own, so the rest (references, guidance, steps, callbacks) stays theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from flux2 import schedule
from flux2.request import GenerationRequest
from flux2.sizing import MULTIPLE
from flux2.upscaling import latents
from flux2.upscaling.tiles import layout

_TILE, _OVERLAP = 64, 8
"""Tokens; a larger picture is encoded in tiles, as the decoder's own tiling would be too late to spare memory here."""


def start(
    pipe: Any, request: GenerationRequest, init_image: Image.Image, seed: int, dtype: torch.dtype
) -> dict[str, Any]:
    """Return the pipeline's arguments that make it begin with `init_image`, cropped to the request's shape.

    The strength is a share of the schedule, as in diffusers' own pipelines for that; here it need not fall on a step.
    The noise is the one the pipeline itself draws from `seed`, so at strength 1 it draws what it would without.
    """
    strength, steps = request.strength, request.denoising_steps
    rows, columns = request.height // MULTIPLE, request.width // MULTIPLE
    picture = ImageOps.fit(init_image, (request.width, request.height), Image.Resampling.LANCZOS)
    with torch.no_grad():
        pipe.vae.disable_tiling()
        clean = latents.encode(pipe, picture, layout(rows, columns, _TILE, _OVERLAP), lambda _: None)
        noise = torch.randn(clean.shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=dtype)
        level = schedule.shifted(strength, steps, rows * columns)
        noisy = level * noise.to(clean) + (1 - level) * clean
    return {"latents": noisy.to(dtype), "sigmas": np.linspace(strength, strength / steps, steps)}
