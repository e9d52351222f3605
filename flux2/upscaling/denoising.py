"""The denoising of a canvas larger than the model: one noise, one schedule, one step at a time over all tiles together.

MultiDiffusion: in every step each tile's velocity is predicted by itself and the blended field moves the whole canvas.
Untiled and from full noise it is bit-equal to the pipelines' own loop. Declines to know pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from flux2 import schedule
from flux2.upscaling.tiles import Layout

Velocity = Callable[[torch.Tensor, torch.Tensor | None, torch.Tensor], torch.Tensor]
"""(tile of the canvas, the same tile without noise or None, timestep 0..1000) -> its velocity, (1, 128, h, w).

A tile that is given is looked at as a reference image.
"""
_REFERENCE_TIME = 10
"""Time coordinate of a first reference image; the picture itself has 0."""


@dataclass(frozen=True)
class Steering:
    """What steers the transformer besides the picture."""

    prompt_embeds: torch.Tensor
    negative_prompt_embeds: torch.Tensor | None = None
    """Given where guidance is a second pass (klein-base above 1)."""
    guidance_scale: float = 1.0


def velocity(pipe: Any, steering: Steering) -> Velocity:
    """Return the prediction of `pipe`'s transformer under `steering`. Positions count from 0 in every tile."""
    is_embedded = bool(pipe.transformer.config.guidance_embeds)

    def run(tokens: torch.Tensor, ids: torch.Tensor, timestep: torch.Tensor, embeds: torch.Tensor) -> torch.Tensor:
        guidance = None
        if is_embedded:
            guidance = torch.full([1], steering.guidance_scale, device=tokens.device, dtype=torch.float32)
        predicted = pipe.transformer(
            hidden_states=tokens.to(pipe.transformer.dtype),
            timestep=timestep.expand(1).to(tokens.dtype) / 1000,
            guidance=guidance,
            encoder_hidden_states=embeds,
            txt_ids=pipe._prepare_text_ids(embeds).to(tokens.device),
            img_ids=ids,
            return_dict=False,
        )[0]
        assert isinstance(predicted, torch.Tensor)
        return predicted

    def predict(tile: torch.Tensor, reference: torch.Tensor | None, timestep: torch.Tensor) -> torch.Tensor:
        tokens, ids = pipe._pack_latents(tile), pipe._prepare_latent_ids(tile).to(tile.device)
        own = tokens.shape[1]
        if reference is not None:
            tokens = torch.cat([tokens, pipe._pack_latents(reference.to(tile.dtype))], dim=1)
            ids = torch.cat([ids, ids + torch.tensor([_REFERENCE_TIME, 0, 0, 0], device=ids.device)], dim=1)
        predicted = run(tokens, ids, timestep, steering.prompt_embeds)
        if steering.negative_prompt_embeds is not None:
            away = run(tokens, ids, timestep, steering.negative_prompt_embeds)
            predicted = away + steering.guidance_scale * (predicted - away)
        return predicted[:, :own].permute(0, 2, 1).reshape(tile.shape)

    return predict


def denoise(
    scheduler: Any,
    predict: Velocity,
    clean: torch.Tensor,
    noise: torch.Tensor,
    *,
    level: float,
    steps: int,
    tiles: Layout,
    sees_itself: bool = False,
    on_tile: Callable[[int], None],
) -> torch.Tensor:
    """Mix `level` of `noise` into `clean`, both (1, 128, h, w), and denoise it in `steps` steps.

    `level` is 0 to 1; at 0 nothing is done. `sees_itself`: each tile gets its clean self as a reference. `on_tile` is
    called with the tile passes done, of tiles x steps; raising from it ends the work.
    """
    if level == 0:
        return clean
    canvas = level * noise + (1 - level) * clean.to(noise.dtype)
    first = tiles.tiles[0]
    tokens = first.rows.size * first.columns.size
    windows = [torch.from_numpy(window).to(canvas.device) for window in tiles.windows(1)]
    done = 0
    for timestep in schedule.start(scheduler, level, steps, tokens, canvas.device):
        field = torch.zeros_like(canvas, dtype=torch.float32)
        for tile, window in zip(tiles.tiles, windows, strict=True):
            rows, columns = tile.rows.scaled(1), tile.columns.scaled(1)
            reference = clean[:, :, rows, columns] if sees_itself else None
            field[:, :, rows, columns] += predict(canvas[:, :, rows, columns], reference, timestep) * window
            done += 1
            on_tile(done)
        canvas = scheduler.step(field.to(canvas.dtype), timestep, canvas, return_dict=False)[0]
    return canvas
