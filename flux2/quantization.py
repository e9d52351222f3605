"""Weights in fewer bytes: what the loader is told so that transformer and text encoder are kept in int8.

Torch-free until asked. One byte for a weight instead of two, scaled row by row; activations stay as they are, so any
device will do. Declines to know whether a model fits anywhere.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from flux2.errors import CheckpointUnavailable
from flux2.models import Quantization


def is_possible() -> bool:
    """Whether torchao, which does it, is installed."""
    return importlib.util.find_spec("torchao") is not None


def loader_arguments(quantization: Quantization) -> dict[str, Any]:
    """Return what `DiffusionPipeline.from_pretrained` is given besides. Raises CheckpointUnavailable."""
    if quantization == "none":
        return {}
    if not is_possible():
        raise CheckpointUnavailable(
            "int8 weights need torchao: run pip install torchao, or leave FLUX2_QUANTIZATION (--quantization) out."
        )
    import diffusers
    import transformers
    from diffusers.quantizers.pipe_quant_config import PipelineQuantizationConfig
    from torchao.quantization import Int8WeightOnlyConfig

    # Each library quantises its own part; their classes of this name are not the same one.
    of_diffusers: Any = diffusers.TorchAoConfig
    of_transformers: Any = transformers.TorchAoConfig
    parts: dict[str, Any] = {
        "transformer": of_diffusers(Int8WeightOnlyConfig(version=2)),
        "text_encoder": of_transformers(Int8WeightOnlyConfig(version=2)),
    }
    # The VAE stays whole: it is small, and what it loses everybody sees.
    return {"quantization_config": PipelineQuantizationConfig(quant_mapping=parts)}
