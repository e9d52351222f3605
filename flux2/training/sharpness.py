"""Image to image as an upscaler uses it: a blurred scene, noised to a level and drawn on, and whether it got sharp."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from flux2.training.captions import caption
from flux2.training.cases import CENTRE_TOLERANCE, RADIUS_TOLERANCE, Grid, Marks, colour_met, picture
from flux2.training.latents import TOKEN
from flux2.training.reader import read
from flux2.training.scenes import Scene, draw, random_scene

LEVEL = 0.5
"""Noise level to start from, 0..1."""
STEPS = 4
SHRINK = 8
"""The picture is shrunk so many times and enlarged again."""
SHARPER = 0.6
"""Most of the blurred picture's edge width that the answer's edges may have."""


@dataclass(frozen=True)
class Softened:
    """A scene and its blurred picture."""

    scene: Scene
    prompt: str
    blurred: Image.Image

    @classmethod
    def numbered(cls, number: int, grid: Grid) -> Softened:
        """Question `number`; the same every time."""
        rng = random.Random(f"softened/{number}")
        scene = random_scene(rng, grid[1] / min(grid), grid[0] / min(grid), hex_share=0)
        height, width = grid[0] * TOKEN, grid[1] * TOKEN
        sharp = picture(draw([scene], height, width)[0])
        small = sharp.resize((width // SHRINK, height // SHRINK), Image.Resampling.BOX)
        return cls(scene, caption(rng, scene), small.resize((width, height), Image.Resampling.BICUBIC))


@torch.no_grad()
def sharpen(pipe: Any, question: Softened, seed: int, length: int) -> Image.Image:
    """Noise the blurred picture to LEVEL and let the pipeline draw on from there."""
    from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

    width, height = question.blurred.size
    x = torch.from_numpy(np.asarray(question.blurred).copy()).permute(2, 0, 1)[None] / 127.5 - 1
    z = pipe._patchify_latents(pipe.vae.encode(x).latent_dist.mode())
    deviation = (pipe.vae.bn.running_var + pipe.vae.config.batch_norm_eps).sqrt().view(1, -1, 1, 1)
    z = (z - pipe.vae.bn.running_mean.view(1, -1, 1, 1)) / deviation
    noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(seed))
    factor = math.exp(compute_empirical_mu((height // TOKEN) * (width // TOKEN), STEPS))
    first = 1 / (1 + factor * (1 / LEVEL - 1))  # the scheduler's shift makes LEVEL of it
    result = pipe(
        prompt=question.prompt,
        latents=LEVEL * noise + (1 - LEVEL) * z,
        sigmas=np.linspace(first, first / STEPS, STEPS).tolist(),
        num_inference_steps=STEPS,
        height=height,
        width=width,
        guidance_scale=1.0,
        max_sequence_length=length,
    ).images[0]
    if not isinstance(result, Image.Image):
        raise TypeError(type(result).__name__)
    return result


def edge_width(shown: Image.Image, scene: Scene) -> float:
    """How many pixels wide the passage from ground to object is, on average over the outline."""
    pixels = np.asarray(shown.convert("RGB"), dtype=np.float64)
    ground, colour = np.array(scene.ground.rgb), np.array(scene.thing.colour.rgb)
    toward = colour - ground
    share = (pixels - ground) @ toward / (toward @ toward)
    inside = share > 0.5
    outline = (inside[:, 1:] != inside[:, :-1]).sum() + (inside[1:] != inside[:-1]).sum()
    return float(((share > 0.1) & (share < 0.9)).sum() / max(1, outline))


def mark_sharpened(question: Softened, answer: Image.Image) -> Marks:
    """Whether the edges are sharp again, and whether shape, colours, centre and radius are the scene's."""
    seen, thing = read(answer).object, question.scene.thing
    sharp = edge_width(answer, question.scene) <= SHARPER * edge_width(question.blurred, question.scene)
    kept = (
        seen is not None
        and seen.shape == thing.shape
        and colour_met(seen.rgb, thing.colour)
        and colour_met(read(answer).ground, question.scene.ground)
        and math.dist((seen.x, seen.y), (thing.x, thing.y)) <= CENTRE_TOLERANCE
        and abs(math.log(seen.radius / thing.radius)) <= math.log(1 + RADIUS_TOLERANCE)
    )
    return {"sharp": sharp, "kept": kept}
