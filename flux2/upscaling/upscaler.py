"""The story of an upscale: caption, enlarge, encode, noise, denoise in tiles, decode, keep the colours.

Owns the order of the stages and how large a tile may be. Declines to know jobs and files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from flux2.engine import Engine
from flux2.errors import OutOfMemory
from flux2.pipeline import OnStep, Phase, Stopwatch
from flux2.screening.port import NOTHING, Screening
from flux2.sizing import MULTIPLE
from flux2.upscaling import latents, likeness
from flux2.upscaling.caption import Captioner, caption
from flux2.upscaling.denoising import Steering, denoise, velocity
from flux2.upscaling.request import UpscaleRequest
from flux2.upscaling.tiles import layout

_log = logging.getLogger(__name__)

_OVERLAP = 8
"""A tile shares one part in so many of its side with each neighbour."""
_LEAST_OVERLAP = 2
"""Tokens."""
_SMALLEST_TILE = 128
"""Pixels."""
_BYTES_PER_PIXEL = 4096
"""Of free accelerator memory for each pixel of a tile: 4 GiB at 1024 x 1024, most of it the decoder's."""

_TOO_BIG = "Even in small tiles the picture needs more memory than this worker has; try again later or use classic."


@dataclass(frozen=True)
class Upscaled:
    """The larger picture and how it came about."""

    image: Image.Image
    caption: str | None
    """The words that steered it; None where no model had a part."""
    tile_side: int | None
    """Pixels; None where no model had a part."""
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds per phase; captioning counts as encoding."""
    notes: tuple[str, ...] = ()


def upscale(
    engine: Engine,
    request: UpscaleRequest,
    source: Image.Image,
    *,
    captioners: Sequence[Captioner] = (),
    on_step: OnStep | None = None,
    tile_side: int | None = None,
    screening: Screening = NOTHING,
) -> Upscaled:
    """Enlarge `source`, the RGB picture `request.image` names; nothing that `screening` refuses is used or shown.

    `tile_side` in pixels, a multiple of 16; None: by the model and its free memory. Raises OutOfMemory after one more
    try in tiles of half the side, ScreeningRefused, and whatever `on_step` raises, GenerationCancelled above all.
    """
    watch = Stopwatch(on_step)
    watch.report("references", 0, 1)
    screening.check_image(source, "reference image")
    if request.method == "classic":
        image = _enlarged(request, source)
        watch.report("decode", 1, 1)
        return Upscaled(image, None, None, watch.timings)
    watch.report("encode", 0, 1)
    words = caption(request, source, captioners)
    screening.check_prompt(words.words)
    steering = _steering(engine, request, words.words)
    side = tile_side or _tile_side(engine)
    try:
        image = _add_detail(engine, request, source, steering, side, watch.report)
    except OutOfMemory:
        if side <= _SMALLEST_TILE:
            raise OutOfMemory(_TOO_BIG) from None
        _log.warning("out of memory in tiles of %d px; trying half of that", side)
        side = max(_SMALLEST_TILE, side // 2 // MULTIPLE * MULTIPLE)
        image = _again(engine, request, source, steering, side, watch.report)
    watch.report("decode", 1, 1)
    screening.check_image(image, "result")
    return Upscaled(
        image, words.words, side, watch.timings, (*_cut_note(engine, words.words), *filter(None, (words.origin,)))
    )


def _enlarged(request: UpscaleRequest, source: Image.Image) -> Image.Image:
    return source.resize((request.width, request.height), Image.Resampling.LANCZOS)


def _again(
    engine: Engine, request: UpscaleRequest, source: Image.Image, steering: Steering, side: int, report: OnStep
) -> Image.Image:
    try:
        return _add_detail(engine, request, source, steering, side, report)
    except OutOfMemory:
        raise OutOfMemory(_TOO_BIG) from None


def _tile_side(engine: Engine) -> int:
    """The model's own tile, halved while the accelerator has too little left for it."""
    side, memory = engine.model.upscale_tile, engine.memory_bytes()
    if memory is not None:
        free = memory[1] - memory[0]
        while side > 2 * _SMALLEST_TILE and side * side * _BYTES_PER_PIXEL > free:
            side //= 2
    return side


def _steering(engine: Engine, request: UpscaleRequest, words: str) -> Steering:
    embeddings = engine.embed_words(words, request.guidance_scale)
    return Steering(
        prompt_embeds=embeddings["prompt_embeds"].to(engine.device),
        negative_prompt_embeds=_moved(embeddings.get("negative_prompt_embeds"), engine.device),
        guidance_scale=request.guidance_scale or 1.0,
    )


def _moved(embedding: torch.Tensor | None, device: str) -> torch.Tensor | None:
    return None if embedding is None else embedding.to(device)


def _cut_note(engine: Engine, words: str) -> tuple[str, ...]:
    tokens, limit = engine.count_tokens(words), engine.model.max_sequence_length
    return () if tokens <= limit else (f"The caption was cut after {limit} of its {tokens} tokens.",)


def _add_detail(
    engine: Engine, request: UpscaleRequest, source: Image.Image, steering: Steering, side: int, report: OnStep
) -> Image.Image:
    canvas = _padded(_enlarged(request, source))
    tokens = side // MULTIPLE
    overlap = max(_LEAST_OVERLAP, tokens // _OVERLAP)
    tiles = layout(canvas.height // MULTIPLE, canvas.width // MULTIPLE, tokens, overlap)
    count = len(tiles.tiles)
    with engine.borrow() as pipe:
        clean = latents.encode(pipe, canvas, tiles, _counter(engine, report, "encode", count))
        noisy = denoise(
            pipe.scheduler,
            velocity(pipe, steering),
            clean,
            _noise(clean, request.seed, steering.prompt_embeds.dtype),
            level=request.creativity,
            steps=request.num_inference_steps,
            tiles=tiles,
            sees_itself=engine.model.upscale_sees_itself,
            on_tile=_counter(engine, report, "denoise", count * request.num_inference_steps),
        )
        pixels = latents.decode(pipe, noisy, tiles, _counter(engine, report, "decode", count))
    shown = pixels[: request.height, : request.width]
    return likeness.match(shown, source, likeness.strength(request.creativity))


def _counter(engine: Engine, report: OnStep, phase: Phase, count: int) -> Callable[[int], None]:
    report(phase, 0, count)

    def on_tile(done: int) -> None:
        engine.synchronize()
        report(phase, done, count)

    return on_tile


def _noise(clean: torch.Tensor, seed: int, dtype: torch.dtype) -> torch.Tensor:
    """One noise for the whole canvas, drawn on the CPU so that a seed means the same on every device."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(clean.shape, generator=generator, dtype=dtype).to(clean.device)


def _padded(image: Image.Image) -> Image.Image:
    """Repeat the right and bottom edges up to whole tokens."""
    across, down = -image.width % MULTIPLE, -image.height % MULTIPLE
    if not across and not down:
        return image
    return Image.fromarray(np.pad(np.asarray(image), ((0, down), (0, across), (0, 0)), mode="edge"))
