"""What an upsampler is: something that answers an instruction about a prompt and its pictures. Torch-free.

Knows neither what the answer is for (`rewriting`) nor how its instruction is worded (`instructions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from PIL import Image

Route = Literal["none", "local", "openrouter"]
"""Who rewrites: nobody, the text encoder of the model that draws, or a hosted model."""
Mode = Literal["none", "local", "openrouter", "auto"]
"""What a member may ask for; `auto` takes a route where the prompt gains by it."""

MAX_ANSWER_TOKENS = 400
"""An answer is asked to be shorter than what the picture model reads (512 tokens), its own template included."""
MAX_IMAGE_PIXELS = 768 * 768
"""Pictures are reduced to this for a language model: more costs and shows it little."""


class Upsampler(Protocol):
    """One language model."""

    name: str
    """What members read of it on a result."""
    takes_images: bool

    def answer(self, instruction: str, prompt: str, images: Sequence[Image.Image] = ()) -> str:
        """Return what the model says to `prompt` and its `images` under `instruction`, as it came.

        Raises UpsamplingFailed with one sentence.
        """
