"""What steers a picture besides noise: prompt embeddings, kept for reuse, and reference pictures made acceptable."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from PIL import Image

from flux2.errors import InvalidRequest
from flux2.images import check_shape

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


def prepare_references(images: Sequence[Image.Image], limit: int) -> list[Image.Image]:
    """Return RGB copies the pipelines take: small ones enlarged to MIN_REFERENCE_SIDE, shape kept.

    Raises InvalidRequest for more than `limit` pictures and for shapes longer than 8:1.
    """
    if len(images) > limit:
        raise InvalidRequest(f"The model takes at most {limit} reference images, and {len(images)} were given.")
    return [_prepare(image) for image in images]


def _prepare(image: Image.Image) -> Image.Image:
    check_shape(image.size)
    scale = MIN_REFERENCE_SIDE / min(image.size)
    if scale > 1:
        width, height = (max(MIN_REFERENCE_SIDE, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return image.convert("RGB")
