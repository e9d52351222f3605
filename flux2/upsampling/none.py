"""Nobody rewrites: the upsampler of those who have none. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flux2.errors import UpsamplingFailed

if TYPE_CHECKING:
    from PIL import Image


class Nobody:
    """Answers nothing; says why."""

    takes_images = False

    def __init__(self, why: str = "No language model is running here.") -> None:
        self.name = "nobody"
        self._why = why

    def answer(self, instruction: str, prompt: str, images: Sequence[Image.Image] = ()) -> str:
        """Raise UpsamplingFailed."""
        raise UpsamplingFailed(self._why)
