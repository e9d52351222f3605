"""Puts trained parts together as a stock Flux2KleinPipeline folder in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from flux2.miniature import scheduler
from flux2.training.text import Words, new_text_encoder
from flux2.training.transformer import new_transformer

LIMIT = 12 * 2**20
"""Bytes the folder may have in all."""


def mixed(
    weights: Mapping[str, torch.Tensor], first: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Weights on the straight line between a continuation and what it began with; `share` of them is the first's.

    What the short continuation lost is largely there again, and most of what it learned still is.
    """
    return {name: torch.lerp(weight.float(), first[name].float(), share) for name, weight in weights.items()}


def export(weights: Mapping[str, torch.Tensor], words: Words, vae_folder: Path, out: Path) -> int:
    """Write the pipeline to `out`; returns its bytes. Raises ValueError above LIMIT."""
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline

    transformer = new_transformer()
    transformer.load_state_dict({name: weight.float() for name, weight in weights.items()})
    build: Any = Flux2KleinPipeline
    load: Any = AutoencoderKLFlux2.from_pretrained
    pipe = build(
        scheduler=scheduler(),
        vae=load(vae_folder),
        text_encoder=new_text_encoder(words.tokenizer, words.table),
        tokenizer=words.tokenizer,
        transformer=transformer,
        is_distilled=True,
    )
    pipe.to(dtype=torch.float16).save_pretrained(out)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    if size > LIMIT:
        raise ValueError(f"{out} has {size} bytes, more than {LIMIT}.")
    return size
