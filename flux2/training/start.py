"""Starts a run from an earlier sample model instead of from nothing: its words and weights, extended by what is new.

An earlier model's word vectors were half as long and its captions had fewer words; what it knows keeps its meaning.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from flux2.training.text import HIDDEN, TAPS, WORD

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
TEXT_ENCODER = "text_encoder/model.safetensors"
VAE = "vae"
CONTEXT = "context_embedder.weight"


def known_words(folder: Path) -> dict[str, torch.Tensor]:
    """The leading WORD entries of every token of the model in `folder`, by the text the token stands for."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    table = load_file(folder / TEXT_ENCODER)["model.embed_tokens.weight"].float()
    special = set(tokenizer.all_special_ids)
    words = {str(tokenizer.decode([i])): table[i, :WORD] for i in range(len(table)) if i not in special}
    marks = {token: table[tokenizer.convert_tokens_to_ids(token), :WORD] for token in tokenizer.all_special_tokens}
    return words | marks


def known_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The transformer's weights in float32; the text projection ignores entries the earlier words did not have."""
    weights = {name: weight.float() for name, weight in load_file(folder / TRANSFORMER).items()}
    context = weights[CONTEXT]
    taps = context.reshape(len(context), TAPS, -1)
    if taps.shape[-1] < HIDDEN:
        wider = torch.zeros(len(context), TAPS, HIDDEN)
        wider[:, :, : taps.shape[-1]] = taps
        weights[CONTEXT] = wider.reshape(len(context), -1)
    return weights
