"""Pictures for the reader, and one thread for torch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image

from flux2.checkpoint import locate
from flux2.models import REGISTRY
from flux2.training.cases import picture
from flux2.training.scenes import Scene, draw

Show = Callable[[Scene, int, int], Image.Image]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def show() -> Show:
    """Draw one scene at height x width."""

    def drawn(scene: Scene, height: int, width: int) -> Image.Image:
        return picture(draw([scene], height, width)[0])

    return drawn


@pytest.fixture(scope="session")
def sample_vae() -> Any:
    """The shipped model's VAE in float32."""
    from diffusers import AutoencoderKLFlux2

    return AutoencoderKLFlux2.from_pretrained(locate(REGISTRY["sample"]) / "vae", dtype=torch.float32).eval()
