"""Starts a run from an earlier sample model instead of from nothing: its words and weights, extended by what is new.

An earlier model's word vectors were half as long and its captions had fewer words; what it knows keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file

from flux2.training.scenes import COLOURS
from flux2.training.text import HIDDEN, TAPS, WORD, coarse_tokens, palette, shades

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
TEXT_ENCODER = "text_encoder/model.safetensors"
VAE = "vae"
CONTEXT = "context_embedder.weight"
RIDGE = 0.1
"""Of the fit of colour names to colours, in units of a colour half's squared length."""


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


def begin(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """(words, weights) of the model in `folder`; one that cannot read hex codes gets a first idea of them."""
    words, weights = known_words(folder), known_weights(folder)
    return (words, weights) if set(coarse_tokens()) <= set(words) else with_codes(words, weights)


def with_codes(
    words: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Words and weights of a model whose colour names are vectors without order, ready to read hex codes.

    The straight (ridge) fit of the names to the colours' values goes to the colour half, where codes have theirs too;
    what the fit misses stays with the names. So a name says what it said, and a code what lies between the names.
    """
    context = weights[CONTEXT].reshape(-1, TAPS, HIDDEN).clone()
    names = torch.stack([words[" " + name] for name in COLOURS])
    middle, shade = names.mean(0), shades(palette())
    ridge = RIDGE * shade.square().sum(1).mean() * torch.eye(shade.shape[1])
    fit = torch.linalg.solve(shade.T @ shade + ridge, shade.T @ (names - middle))
    context[:, :, WORD:] = context[:, :, :WORD] @ fit.T
    known = {**words, **dict.fromkeys(coarse_tokens(), middle)}
    known |= {" " + name: vector for name, vector in zip(COLOURS, names - shade @ fit, strict=True)}
    return known, {**weights, CONTEXT: context.reshape(len(context), -1)}
