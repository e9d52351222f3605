"""Glimpses of pictures that are not finished."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from flux2.engine import Engine
from flux2.models import REGISTRY
from flux2.previews import MAX_SIDE, Glimpses
from flux2.request import settle

STEPS = 8


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample model."""
    return Engine.load(REGISTRY["sample"], device="cpu", threads=1)


def glimpses_of(engine: Engine, **options: Any) -> tuple[list[Image.Image | None], Image.Image]:
    """What each step shows, and the finished picture."""
    request, _ = settle(engine.model, "a red circle on a white background", seed=1, steps=STEPS, **options)
    seen: list[Image.Image | None] = []
    finished = engine.draw(request, engine.embed(request), seed=1, on_glimpse=lambda look: seen.append(look()))
    return seen, finished


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of the pixels, 0 to 255."""
    pixels = (np.asarray(image.resize((64, 64)).convert("RGB")).astype(float) for image in (one, other))
    return float(abs(next(pixels) - next(pixels)).mean())


def test_a_glimpse_comes_nearer_to_the_finished_picture(engine: Engine) -> None:
    """From the second step on there is one after each step but the last, and the last shown is the nearest."""
    seen, finished = glimpses_of(engine)
    assert seen[0] is None
    shown = [image for image in seen if image is not None]
    assert len(shown) == STEPS - 2
    distances = [distance(image, finished) for image in shown]
    assert distances[-1] == min(distances) < 10
    assert distances[-1] < distances[0] / 2


def test_looking_changes_no_pixel(engine: Engine) -> None:
    """A picture somebody glimpsed at is the picture nobody glimpsed at."""
    request, _ = settle(engine.model, "a red circle on a white background", seed=1, steps=STEPS)
    alone = engine.draw(request, engine.embed(request), seed=1)
    assert glimpses_of(engine)[1].tobytes() == alone.tobytes()


@pytest.mark.parametrize("size", ["512x512", "512x256"])
def test_a_glimpse_is_small_and_in_shape(engine: Engine, size: str) -> None:
    """What is decoded does not grow with the picture."""
    seen, finished = glimpses_of(engine, size=size)
    shown = seen[-1]
    assert shown is not None
    assert max(shown.size) == MAX_SIDE * 8
    assert shown.width / shown.height == finished.width / finished.height


def test_latents_lie_where_the_pipeline_puts_them(engine: Engine) -> None:
    """With no noise left, a glimpse of small latents is the pipeline's own decoding of them."""
    request, _ = settle(engine.model, "a blue star", seed=2, steps=2, size="128x256")
    kept: list[torch.Tensor] = []
    finished = engine.draw(request, engine.embed(request), seed=2, on_glimpse=lambda look: None)
    pipe = engine._pipe
    glimpses = Glimpses(pipe, request.width, request.height)

    def keep(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        glimpses.watch(index + 1, tensors["latents"])
        kept.append(tensors["latents"])
        return {}

    pipe(
        **engine.embed(request), width=request.width, height=request.height, num_inference_steps=2,
        generator=torch.Generator("cpu").manual_seed(2), callback_on_step_end=keep,
    )  # fmt: skip
    shown = glimpses.look()
    assert shown is not None
    assert len(kept) == 2
    assert distance(shown, finished) < 1
