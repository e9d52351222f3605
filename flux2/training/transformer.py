"""The sample model's transformer and one step of its training. Declines to know where examples come from.

The classes and the sampling are the stock ones; only the attention kernel is exchanged while training.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch.nn import functional

from flux2.training.latents import CHANNELS, LIVE, image_ids, text_ids
from flux2.training.text import HIDDEN, TAPS

WIDTH, HEAD = 192, 32
DOUBLE, SINGLE = 1, 5
ROPE_AXES, ROPE_THETA = (4, 12, 12, 4), 100
STAND_INS = 8
"""Padding tokens that stand for all of a long padding (see `Example.padding`)."""
FULL_TEXT = 512
TEXT_ROOM = 32
"""Text tokens of a bucketed batch, stand-ins included; the longest caption has 25."""
MASKED = -1e4
FILL = 16
"""Image tokens of a training sequence, references included, are filled up to a multiple of this: fewer graphs."""
STEPS, FEW_STEPS = 8, 4
"""Sampler steps that the noise levels are shifted for, and those of the registry's default."""
UNSHIFTED = 0.1
"""Share of the noise levels drawn evenly instead of as the sampler visits them."""
VISITED = 0.6
"""Share drawn from around the few that the sampler visits by default."""
VISITED_WEIGHTS = (0.4, 0.2, 0.2, 0.2)
"""Of those few, the last first: its one step from 0.7 to the finished picture decides the outline."""
VISITED_JITTER = 0.04
"""In units of the unshifted level."""
LEAST_TIME = 1e-3


@dataclass
class Batch:
    """Examples of one size: everything a step needs.

    `padding` is how many padding tokens follow the longest text; all of them are equal but for their position, so a few
    stand for all with a weight in the attention. That makes a 512-token text as cheap as a short one.
    """

    words: torch.Tensor
    target: torch.Tensor
    grid: tuple[int, int]
    references: Sequence[torch.Tensor] = ()
    reference_grids: Sequence[tuple[int, int]] = ()
    padding: int = 0
    blurred: torch.Tensor | None = None
    """What the noise is added to where it is not the target: a picture to be sharpened."""
    times: tuple[float, float] | None = None
    """Bounds of the noise level; None: as the sampler visits them."""
    bucket: int = 0
    """Image tokens to fill up to; 0 for none."""

    def to(self, device: torch.device) -> Batch:
        """The batch on `device`."""
        return replace(
            self,
            words=self.words.to(device),
            target=self.target.to(device),
            references=[tokens.to(device) for tokens in self.references],
            blurred=None if self.blurred is None else self.blurred.to(device),
        )


def new_transformer() -> Any:
    """A Flux2Transformer2DModel that starts as the identity in every block and never reads the empty channels."""
    from diffusers import Flux2Transformer2DModel

    build: Any = Flux2Transformer2DModel
    model = build(
        in_channels=CHANNELS,
        num_layers=DOUBLE,
        num_single_layers=SINGLE,
        attention_head_dim=HEAD,
        num_attention_heads=WIDTH // HEAD,
        joint_attention_dim=TAPS * HIDDEN,
        timestep_guidance_channels=128,
        axes_dims_rope=ROPE_AXES,
        rope_theta=ROPE_THETA,
        guidance_embeds=False,
    )
    with torch.no_grad():
        model.proj_out.weight.zero_()
        model.x_embedder.weight[:, LIVE:] = 0
        for name, weight in model.named_parameters():
            if "_modulation" in name:
                weight.zero_()
    return model


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Any:
    """Two products and a softmax: the CPU's fused kernel spends 40 % of a training step in its backward pass."""
    score = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    if attn_mask is not None:
        score = score + attn_mask
    return score.softmax(-1).to(value.dtype) @ value


@contextlib.contextmanager
def plain_attention(device: torch.device) -> Iterator[None]:
    """Exchange the attention kernel inside the block where `device` is the CPU; elsewhere the fused one is right."""
    if device.type != "cpu":
        yield
        return
    fused = functional.scaled_dot_product_attention
    functional.scaled_dot_product_attention = _attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = fused


def _text(batch: Batch, room: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Words with stand-ins for their padding up to `room` tokens: (words, positions, attention bias per token)."""
    length = batch.words.shape[1]
    room = max(room, length)
    count = min(batch.padding, room - length)
    words = functional.pad(batch.words, (0, 0, 0, room - length))
    positions, bias = torch.arange(room), torch.zeros(room)
    if count:
        spread = (torch.arange(count) + torch.rand(count)) * batch.padding / count
        positions[length : length + count] = length + spread.long().clamp_max(batch.padding - 1)
        bias[length : length + count] = math.log(batch.padding / count)
    bias[length + count :] = MASKED
    return words, positions, bias


def velocity(model: Any, noisy: torch.Tensor, time: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The transformer's answer for the target's tokens: (n, tokens, 128), float32.

    Inside a bucket every sequence has the same length, the rest of it masked, so that one compiled graph serves all.
    """
    hidden = torch.cat([noisy, *batch.references], 1)
    device = hidden.device
    filled = hidden.shape[1]
    spare = max(0, batch.bucket - filled)
    words, positions, text_bias = _text(batch, TEXT_ROOM if batch.bucket else batch.words.shape[1] + STAND_INS)
    ids = torch.cat([image_ids(order, *grid) for order, grid in enumerate([batch.grid, *batch.reference_grids])])
    bias = torch.cat([text_bias, torch.zeros(filled), torch.full((spare,), MASKED)])[None, None, None]
    with torch.autocast(device.type, torch.bfloat16), warnings.catch_warnings():
        # The norms' weights stay float32 on purpose.
        warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
        out = model(
            hidden_states=functional.pad(hidden, (0, 0, 0, spare)),
            timestep=time,
            encoder_hidden_states=words,
            txt_ids=text_ids(positions).to(device),
            img_ids=functional.pad(ids, (0, 0, 0, spare)).to(device),
            joint_attention_kwargs={"attention_mask": bias.to(device)},
            return_dict=False,
        )[0]
    return cast(torch.Tensor, out)[:, : noisy.shape[1]].float()


def shift(tokens: int, steps: int = STEPS) -> float:
    """exp(mu) of the sampler's time shift for a picture of so many tokens."""
    from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

    return math.exp(compute_empirical_mu(tokens, steps))


def draw_times(n: int, tokens: int, bounds: tuple[float, float] | None) -> torch.Tensor:
    """Noise levels in 0..1; most of them near those that the sampler visits, the rest stratified."""
    t = (torch.arange(n) + torch.rand(n)) / n
    if bounds:
        return bounds[0] + (bounds[1] - bounds[0]) * t
    t = t[torch.randperm(n)].clamp_min(LEAST_TIME)
    step = torch.multinomial(torch.tensor(VISITED_WEIGHTS), n, replacement=True) + 1
    near = (step / FEW_STEPS + VISITED_JITTER * (2 * torch.rand(n) - 1)).clamp_max(1)
    how = torch.rand(n)
    level = torch.where(how < VISITED, near, t)
    factor = shift(tokens)
    return torch.where(how > 1 - UNSHIFTED, t, factor / (factor + 1 / level - 1))


def loss_of(model: Any, batch: Batch) -> torch.Tensor:
    """Mean squared error of the velocity over the live channels."""
    x0 = batch.target
    time = draw_times(len(x0), x0.shape[1], batch.times).to(x0.device)
    s = time[:, None, None]
    noise = torch.randn(x0.shape).to(x0.device)
    noise[..., LIVE:] = 0
    noisy = (1 - s) * (x0 if batch.blurred is None else batch.blurred) + s * noise
    # Equal to noise - x0 where nothing is blurred: the velocity that leads from here to the target.
    wanted = (noisy - x0) / s if batch.blurred is not None else noise - x0
    return (velocity(model, noisy, time, batch) - wanted)[..., :LIVE].square().mean()


@torch.no_grad()
def sample(model: Any, batch: Batch, seed: int = 0, steps: int = STEPS) -> torch.Tensor:
    """The pipeline's own loop, batched: tokens for `batch.words` and its references; the target is not read."""
    n, (rows, columns) = len(batch.words), batch.grid
    x = torch.randn(n, rows * columns, CHANNELS, generator=torch.Generator().manual_seed(seed))
    x[..., LIVE:] = 0
    x = x.to(batch.words.device)
    factor = shift(rows * columns, steps)
    times = [factor / (factor + 1 / t - 1) for t in torch.linspace(1, 1 / steps, steps).tolist()] + [0.0]
    for now, after in itertools.pairwise(times):
        x = x + (after - now) * velocity(model, x, torch.full((n,), now, device=x.device), batch)
    return x
