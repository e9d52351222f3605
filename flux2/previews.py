"""A glimpse of a picture while it is still noise: where its latents are heading, decoded small.

Owns the guess and its cost. Declines to know how often anybody looks, and touches no state of the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch.nn.functional import interpolate

Look = Callable[[], Image.Image | None]
"""Returns the picture as it would be if the last step's direction were right; None before the second step."""

MAX_SIDE = 32
"""Latent pixels of the longer side that are decoded: 256 pixels of picture, a sixteenth of the work of 1024²."""


class Glimpses:
    """Watches the latents of one picture from step to step. Batch of one."""

    def __init__(self, pipe: Any, width: int, height: int) -> None:
        """`width` and `height` of the picture, pixels."""
        self._pipe = pipe
        multiple = pipe.vae_scale_factor * 2
        self._rows, self._columns = height // multiple, width // multiple
        self._step = 0
        self._before: torch.Tensor | None = None
        self._now: torch.Tensor | None = None

    def watch(self, step: int, latents: torch.Tensor) -> None:
        """Take the packed latents, 1 x tokens x channels, that step `step` (from 1) left."""
        self._step, self._before, self._now = step, self._now, latents

    def look(self) -> Image.Image | None:
        """Return the picture as it would be if the last step's direction were right; None before the second step."""
        if self._before is None or self._now is None:
            return None
        with torch.no_grad():
            return self._decode(self._guess(self._before, self._now))

    def _guess(self, before: torch.Tensor, now: torch.Tensor) -> torch.Tensor:
        """Go on along the straight line of the last step to where no noise is left: a flow's own prediction."""
        sigmas = self._pipe.scheduler.sigmas
        was, is_now = float(sigmas[self._step - 1]), float(sigmas[self._step])
        velocity = (now.float() - before.float()) / (is_now - was)
        return now.float() - is_now * velocity

    def _decode(self, tokens: torch.Tensor) -> Image.Image:
        vae = self._pipe.vae
        # Tokens lie row by row, so their ids are not needed to put them into place.
        latents = tokens.transpose(1, 2).reshape(1, -1, self._rows, self._columns)
        mean, variance = (value.view(1, -1, 1, 1).float() for value in (vae.bn.running_mean, vae.bn.running_var))
        deviation = torch.sqrt(variance + vae.config.batch_norm_eps)
        latents = latents * deviation.to(latents.device) + mean.to(latents.device)
        latents = self._pipe._unpatchify_latents(latents)
        longer = max(latents.shape[-2:])
        if longer > MAX_SIDE:
            size = [max(1, round(side * MAX_SIDE / longer)) for side in latents.shape[-2:]]
            latents = interpolate(latents, size=size, mode="area")
        # Not the decoder's own device: an offloaded one waits in main memory and is fetched by the call.
        decoded = vae.decode(latents.to(self._pipe._execution_device, vae.dtype), return_dict=False)[0]
        pixels = ((decoded[0].float() / 2 + 0.5).clamp(0, 1) * 255).round().byte()
        return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy(), "RGB")
