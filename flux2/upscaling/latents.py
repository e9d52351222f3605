"""Between pixels and normalised latents, tile by tile, so that memory does not grow with the picture.

Latents are (1, 128, H/16, W/16), normalised as the transformer wants them; pixels are 8-bit RGB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from flux2.sizing import MULTIPLE
from flux2.upscaling.tiles import Layout

OnTile = Callable[[int], None]
"""Called with the number of tiles done; raising from it ends the work."""


def encode(pipe: Any, image: Image.Image, tiles: Layout, on_tile: OnTile) -> torch.Tensor:
    """Encode `image`, whose sides are multiples of 16, on the pipeline's device."""
    canvas: torch.Tensor | None = None
    for number, (tile, window) in enumerate(zip(tiles.tiles, tiles.windows(1), strict=True), start=1):
        rows, columns = tile.rows.scaled(MULTIPLE), tile.columns.scaled(MULTIPLE)
        crop = image.crop((columns.start, rows.start, columns.stop, rows.stop))
        pixels = pipe.image_processor.preprocess(crop).to(pipe._execution_device, pipe.vae.dtype)
        part = pipe._encode_vae_image(image=pixels, generator=None)
        if canvas is None:
            size = (image.height // MULTIPLE, image.width // MULTIPLE)
            canvas = torch.zeros((1, part.shape[1], *size), device=part.device, dtype=torch.float32)
        canvas[:, :, tile.rows.scaled(1), tile.columns.scaled(1)] += part * torch.from_numpy(window).to(part.device)
        on_tile(number)
    assert canvas is not None
    return canvas


def decode(pipe: Any, latents: torch.Tensor, tiles: Layout, on_tile: OnTile) -> NDArray[np.float32]:
    """Decode `latents` into pixels of 0 to 255, shape (height, width, 3), unrounded, in main memory."""
    _, _, height, width = latents.shape
    canvas = np.zeros((height * MULTIPLE, width * MULTIPLE, 3), np.float32)
    mean = pipe.vae.bn.running_mean.view(1, -1, 1, 1)
    deviation = (pipe.vae.bn.running_var.view(1, -1, 1, 1) + pipe.vae.config.batch_norm_eps).sqrt()
    for number, (tile, (down, across)) in enumerate(zip(tiles.tiles, tiles.edges(MULTIPLE), strict=True), start=1):
        part = latents[:, :, tile.rows.scaled(1), tile.columns.scaled(1)]
        part = part * deviation.to(part) + mean.to(part)
        pixels = pipe.vae.decode(pipe._unpatchify_latents(part).to(pipe.vae.dtype), return_dict=False)[0]
        shown = ((pixels[0].float() / 2 + 0.5).clamp(0, 1) * 255).permute(1, 2, 0).cpu().numpy()
        shown *= down[:, None, None]
        shown *= across[None, :, None]
        canvas[tile.rows.scaled(MULTIPLE), tile.columns.scaled(MULTIPLE)] += shown
        on_tile(number)
    return canvas
