"""flux2.conditioning: embeddings kept for reuse, references made acceptable."""

import pytest
import torch
from diffusers.pipelines.flux2.image_processor import Flux2ImageProcessor
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from flux2.conditioning import EmbeddingCache, prepare_references
from flux2.errors import InvalidRequest
from flux2.models import REGISTRY

SAMPLE, KLEIN = REGISTRY["sample"], REGISTRY["klein-4b"]


class Encoder:
    """Counts what it is asked to encode."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, prompt: str, length: int) -> torch.Tensor:
        self.asked.append((prompt, length))
        return torch.full((1, length, 2), float(len(self.asked)))


def test_a_prompt_is_encoded_once() -> None:
    """The second asking gives the very same tensor without encoding."""
    encoder = Encoder()
    cache = EmbeddingCache(encoder)
    assert cache.get("a", 4) is cache.get("a", 4)
    assert encoder.asked == [("a", 4)]


def test_another_length_is_another_embedding() -> None:
    """Padding takes part in attention, so the length belongs to the key."""
    encoder = Encoder()
    cache = EmbeddingCache(encoder)
    assert cache.get("a", 4).shape == (1, 4, 2)
    assert cache.get("a", 8).shape == (1, 8, 2)


def test_the_least_recently_used_goes_first() -> None:
    """A full cache keeps its size and what was used last."""
    encoder = Encoder()
    cache = EmbeddingCache(encoder, capacity=2)
    for prompt in ("a", "b", "a", "c", "a"):
        cache.get(prompt, 4)
    assert [prompt for prompt, _ in encoder.asked] == ["a", "b", "c"]
    cache.get("b", 4)
    assert len(cache) == 2
    assert encoder.asked[-1] == ("b", 4)


@settings(deadline=None)
@given(width=st.integers(1, 3000), height=st.integers(1, 3000), model=st.sampled_from([SAMPLE, KLEIN]))
def test_every_prepared_reference_is_one_the_pipeline_takes(width: int, height: int, model: object) -> None:
    """Up to 8:1, any size becomes RGB that diffusers' own check accepts and that it need not reduce again."""
    assume(max(width, height) <= 8 * min(width, height))
    model = SAMPLE if model is SAMPLE else KLEIN
    (image,) = prepare_references([Image.new("L", (width, height))], model)
    assert image.mode == "RGB"
    assert Flux2ImageProcessor.check_image_input(image) is image
    assert image.width * image.height <= max(model.max_reference_pixels, 8 * 64 * 64)
    if min(width, height) >= 64 and width * height <= model.max_reference_pixels:
        assert image.size == (width, height)


def test_shape_is_kept() -> None:
    """A large reference of the sample model keeps its shape within a pixel."""
    (image,) = prepare_references([Image.new("RGB", (3000, 2000))], SAMPLE)
    assert image.size == (156, 104)


def test_too_many_and_too_long_are_refused() -> None:
    """More references than the model takes, or one longer than 8:1, is the member's to mend."""
    with pytest.raises(InvalidRequest, match="klein-4b takes at most 4 reference images, and 5 were given"):
        prepare_references([Image.new("RGB", (64, 64))] * 5, KLEIN)
    with pytest.raises(InvalidRequest, match="The image is 1000x100; crop it to at most 8:1"):
        prepare_references([Image.new("RGB", (1000, 100))], KLEIN)
