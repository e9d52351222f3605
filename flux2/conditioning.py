"""What steers a picture besides noise: prompt embeddings, kept for reuse, and reference pictures made acceptable."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from PIL import Image

from flux2.errors import InvalidRequest
from flux2.images import MAX_ASPECT, check_shape
from flux2.language import _
from flux2.models import Model

MIN_REFERENCE_SIDE = 64
"""Pixels; the pipelines refuse a smaller reference."""
CACHED_PROMPTS = 64
"""At most 16 MB each (dev, 512 tokens, bf16): 1 GB of main memory when full."""

EmbeddingKey = tuple[str, int]
"""Prompt and max_sequence_length: padding takes part in attention, so another length is another embedding."""


class EmbeddingCache:
    """The latest prompt embeddings of one loaded text encoder, least recently used dropped first.

    Kept in main memory: the way back to the accelerator costs a millisecond, encoding hundreds. Not thread-safe; the
    engine's lock guards it.
    """

    def __init__(self, encode: Callable[[str, int], torch.Tensor], capacity: int = CACHED_PROMPTS) -> None:
        self._encode = encode
        self._capacity = capacity
        self._kept: OrderedDict[EmbeddingKey, torch.Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, prompt: str, max_sequence_length: int) -> torch.Tensor:
        """Return the embedding of `prompt`, shape (1, max_sequence_length, joint dim), on the CPU."""
        key = (prompt, max_sequence_length)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        embedding = self._encode(prompt, max_sequence_length).cpu()
        self._kept[key] = embedding
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return embedding


def prepare_references(images: Sequence[Image.Image], model: Model) -> list[Image.Image]:
    """Return RGB copies as `model` wants to see them: large ones reduced, tiny ones enlarged, shape kept.

    Raises InvalidRequest for more pictures than the model takes and for shapes longer than 8:1.
    """
    if len(images) > model.max_references:
        raise InvalidRequest(
            _("{model} takes at most {most} reference images, and {count} were given.").format(
                model=model.name, most=model.max_references, count=len(images)
            )
        )
    return [_prepare(image, model.max_reference_pixels) for image in images]


def _prepare(image: Image.Image, max_pixels: int) -> Image.Image:
    check_shape(image.size)
    short, long = sorted(image.size)
    scale = max(min(1.0, math.sqrt(max_pixels / (short * long))), MIN_REFERENCE_SIDE / short)
    if scale != 1:
        short = max(MIN_REFERENCE_SIDE, int(short * scale))
        long = min(max(MIN_REFERENCE_SIDE, int(long * scale)), MAX_ASPECT * short)  # rounding must not pass the limit
        size = (long, short) if image.width > image.height else (short, long)
        image = image.resize(size, Image.Resampling.LANCZOS)
    return image.convert("RGB")
