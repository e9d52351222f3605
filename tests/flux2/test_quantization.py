"""flux2.quantization: weights in one byte, through the same loader as all others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flux2 import quantization
from flux2.checkpoint import resolve
from flux2.engine import Engine
from flux2.errors import CheckpointUnavailable
from flux2.pipeline import generate
from flux2.request import settle


def decibels(one: Image.Image, other: Image.Image) -> float:
    """Peak signal to noise ratio."""
    error = np.mean((np.asarray(one, float) - np.asarray(other, float)) ** 2)
    return float(10 * np.log10(255**2 / error))


def in_one_byte(engine: Engine) -> int:
    """How many weights of transformer and text encoder are int8."""
    parts = (engine._pipe.transformer, engine._pipe.text_encoder)
    return sum(type(weight.data).__name__ == "Int8Tensor" for part in parts for weight in part.parameters())


def test_int8_draws_nearly_the_same_picture(sample_engine: Engine) -> None:
    """Every linear layer is kept in int8, and an eye finds no difference; the plain engine has none in it."""
    engine = Engine.load(sample_engine.model, device="cpu", quantized="int8")
    request, _ = settle(engine.model, "a red circle on a white background", seed=3)
    assert in_one_byte(engine) > 200
    assert in_one_byte(sample_engine) == 0
    pictures = [generate(drawn, request).images[0] for drawn in (engine, sample_engine)]
    assert decibels(*pictures) > 35


def test_dev_is_quantised_with_its_encoder(miniatures: Path) -> None:
    """The other pipeline and its Mistral take the same arguments."""
    engine = Engine.load(resolve(str(miniatures / "flux2-dev")), device="cpu", quantized="int8")
    request, _ = settle(engine.model, "a red circle", size="64x64", steps=1, seed=1)
    assert generate(engine, request).images[0].size == (64, 64)
    assert in_one_byte(engine) > 0


def test_without_torchao_the_operator_reads_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is a sentence, not a trace."""
    monkeypatch.setattr(quantization, "is_possible", lambda: False)
    with pytest.raises(CheckpointUnavailable, match="pip install torchao"):
        quantization.loader_arguments("int8")
