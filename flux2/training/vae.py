"""The sample model's VAE: its encoder learns to reduce a picture four times, its decoder to enlarge it sharply.

The latent is fixed beforehand (see latents), so this runs before, beside or after the transformer.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from tqdm import tqdm

from flux2.training.latents import LATENT_CHANNELS, LATENT_LIVE, REDUCTION, SCALE, TOKEN
from flux2.training.scenes import OPEN_RADIUS, SHAPES, Colour, Thing, colours, coverage, draw, random_pair, random_scene

log = logging.getLogger(__name__)
STEPS = 4000
CROPPED = 0.6
"""Share of the steps on 64-pixel crops; whole pictures after, since the normalisation sees the whole picture."""
RATE, LAST_RATE = 3e-3, 3e-5
NOISE = 0.15
SAVE_SECONDS = 60.0
SIZES = ((128, 128), (96, 160), (160, 96), (192, 192), (144, 256), (256, 144), (256, 256))
PIXELS = 4 * 128 * 128
"""Pixels of a step on whole pictures."""
STATE, CURVE = "vae-state.pt", "vae.jsonl"


def new_vae() -> Any:
    """The stock class, small, with 12 of its 32 latent channels in use."""
    from diffusers import AutoencoderKLFlux2

    build: Any = AutoencoderKLFlux2
    vae = build(
        block_out_channels=(8, 16, 32, 32),
        decoder_block_out_channels=(16, 24, 32, 48),
        layers_per_block=1,
        norm_num_groups=1,
        latent_channels=LATENT_CHANNELS,
        sample_size=256,
        mid_block_add_attention=False,
    )
    with torch.no_grad():
        vae.quant_conv.weight[LATENT_LIVE:] = 0
        vae.quant_conv.bias[LATENT_LIVE:] = 0
        vae.quant_conv.bias[LATENT_CHANNELS:] = -20  # next to no variance
        vae.post_quant_conv.weight[:, LATENT_LIVE:] = 0  # leftover noise in empty channels is not read
        vae.bn.running_mean.zero_()
        vae.bn.running_var.fill_(SCALE**2)
    return vae


def _free(rng: random.Random, n: int, height: int, width: int) -> torch.Tensor:
    """Shapes in any colours anywhere, half of them on waves: so that other pictures survive the VAE too."""
    any_colour = [Colour((rng.randrange(256), rng.randrange(256), rng.randrange(256))) for _ in range(4 * n)]
    x, y = torch.meshgrid(torch.linspace(-1, 1, width), torch.linspace(-1, 1, height), indexing="xy")
    frequency, phase = 5 * torch.randn(n, 4, 2, 1, 1), 6.28 * torch.rand(n, 4, 1, 1)
    waves = torch.sin(frequency[:, :, 0] * x + frequency[:, :, 1] * y + phase)
    waves = torch.einsum("nck,nkhw->nchw", 0.5 * torch.randn(n, 3, 4), waves)
    image = torch.tanh(colours(any_colour[:n]) + waves * (torch.rand(n, 1, 1, 1) < 0.5))
    for k in range(1, 4):
        things = [
            Thing(
                rng.choice(SHAPES), any_colour[i + k * n], rng.random(), rng.random(), rng.uniform(0.1, OPEN_RADIUS[1])
            )
            for i in range(n)
        ]
        mask = coverage(things, height, width)
        image = mask * colours([thing.colour for thing in things]) + (1 - mask) * image
    return image


def pictures(rng: random.Random, n: int, height: int, width: int) -> torch.Tensor:
    """Scenes (a half), pairs and free compositions (a quarter each): (n, 3, height, width) in -1..1."""
    short = min(height, width)
    wide, high = width / short, height / short
    parts = []
    for k in range(n):
        if k % 4 == 3:
            parts.append(_free(rng, 1, height, width))
        else:
            scene = random_pair(rng, wide, high, 0.6) if k % 4 == 1 else random_scene(rng, wide, high, 0.8)
            parts.append(draw([scene], height, width))
    return torch.cat(parts)


def reduced_latents(x: torch.Tensor) -> torch.Tensor:
    """The live latent channels a picture should have: (n, 12, height / 8, width / 8)."""
    return functional.pixel_unshuffle(functional.avg_pool2d(x, REDUCTION), 2)


def encoder_loss(vae: Any, x: torch.Tensor) -> Any:
    """Squared distance to the fixed latents, in units of the transformer's input."""
    return (vae._encode(x)[:, :LATENT_LIVE] - reduced_latents(x)).square().mean() / SCALE**2


def decoder_loss(vae: Any, x: torch.Tensor, noise: torch.Tensor) -> Any:
    """Distance of the picture enlarged from slightly noisy latents."""
    z = functional.pad(reduced_latents(x) + noise, (0, 0, 0, 0, 0, LATENT_CHANNELS - LATENT_LIVE))
    y = vae.decoder(vae.post_quant_conv(z))
    return (y - x).abs().mean() + 2 * (y - x).square().mean()


def _batch(step: int, *, cropped: bool) -> torch.Tensor:
    rng = random.Random(step)
    torch.manual_seed(step)
    if cropped:
        x = pictures(rng, 12, 128, 128)
        top, left = TOKEN // 2 * rng.randrange(9), TOKEN // 2 * rng.randrange(9)
        return x[:, :, top : top + 64, left : left + 64]
    height, width = rng.choice(SIZES)
    return pictures(rng, max(1, PIXELS // (height * width)), height, width)


@torch.no_grad()
def quality(vae: Any, device: torch.device) -> dict[str, float]:
    """PSNR in dB of round trips of scenes at two sizes, and the encoder's root mean square error in picture units."""
    vae.eval()
    out = {}
    for side in (128, 256):
        rng = random.Random(6)
        x = draw([random_scene(rng, hex_share=0.5) for _ in range(24)], side, side).to(device)
        z = vae.encode(x).latent_dist.mode()
        y = vae.decode(z).sample.clamp(-1, 1)
        error = (y - x).square().mean((1, 2, 3))
        out[f"psnr_{side}"] = round((10 * torch.log10(4 / error)).mean().item(), 2)
        out[f"rms_{side}"] = round((z[:, :LATENT_LIVE] - reduced_latents(x)).square().mean().sqrt().item(), 4)
    vae.train()
    return out


class Training:
    """A VAE in a folder, trained step by step; resumes where the folder's state left off."""

    def __init__(self, folder: Path, device: torch.device, start: Path | None = None) -> None:
        """`start`: an earlier VAE's folder. Its encoder stays; its decoder goes on gently, on whole pictures."""
        from diffusers import AutoencoderKLFlux2

        self.folder, self.device, self.cropped = folder, device, 0.0 if start else CROPPED
        self.rate = RATE / 3 if start else RATE
        torch.manual_seed(0)
        load: Any = AutoencoderKLFlux2.from_pretrained
        self.vae: Any = (load(start, dtype=torch.float32) if start else new_vae()).to(device)
        self.halves = _halves(self.vae)
        if start:
            for weight in self.halves.pop(0):
                weight.requires_grad_(False)
        self.optimizer = torch.optim.AdamW(itertools.chain(*self.halves), lr=RATE, betas=(0.9, 0.99), weight_decay=0)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / STATE).exists():
            state = torch.load(folder / STATE, map_location=device, weights_only=True)
            self.vae.load_state_dict(state["vae"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]
        self.vae.to(memory_format=torch.channels_last)

    def advance(self, steps: int, report_every: int = 250) -> Iterator[dict[str, float]]:
        """Train up to step `steps`; yields the quality now and then and leaves a loadable `vae/` in the folder."""
        saved = time.monotonic()
        bar = tqdm(total=steps, initial=self.step, unit="step", mininterval=5)
        with bar, (self.folder / CURVE).open("a") as curve:
            while self.step < steps:
                loss = self.once(steps)
                bar.update()
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                if self.step == steps or time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                if self.step % report_every == 0 or self.step == steps:
                    figures = {"step": self.step, **quality(self.vae, self.device)}
                    curve.write(json.dumps(figures) + "\n")
                    curve.flush()
                    yield figures

    def save(self) -> None:
        """Write the state to resume from, and the VAE as diffusers loads it."""
        state = {"vae": self.vae.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step}
        part = self.folder / (STATE + ".part")
        torch.save(state, part)
        part.replace(self.folder / STATE)
        self.vae.to(memory_format=torch.contiguous_format).save_pretrained(self.folder / "vae")
        self.vae.to(memory_format=torch.channels_last)

    def once(self, steps: int) -> float:
        """One step of both halves on the way to `steps`; the loss of the decoder."""
        done = self.step / steps
        rate = LAST_RATE + (self.rate - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
        self.optimizer.param_groups[0]["lr"] = rate * min(1.0, (self.step + 1) / 50)
        x = _batch(self.step, cropped=done < self.cropped).to(self.device, memory_format=torch.channels_last)
        scale = NOISE * torch.rand(len(x), 1, 1, 1) ** 2
        noise = scale * torch.randn(len(x), LATENT_LIVE, x.shape[2] // 8, x.shape[3] // 8)
        decoder = decoder_loss(self.vae, x, noise.to(self.device))
        self.optimizer.zero_grad()
        (decoder + encoder_loss(self.vae, x) if len(self.halves) == 2 else decoder).backward()
        self._clip()
        self.optimizer.step()
        self.step += 1
        return float(decoder.detach())

    def _clip(self) -> None:
        """Each half has its own bound, and the empty channels stay as they are."""
        for half in self.halves:
            torch.nn.utils.clip_grad_norm_(half, 1.0)
        for weight in (self.vae.quant_conv.weight, self.vae.quant_conv.bias):
            if weight.grad is not None:
                weight.grad[LATENT_LIVE:] = 0


def _halves(vae: Any) -> list[list[torch.nn.Parameter]]:
    """The parameters of the encoder, and of the decoder."""
    halves: list[list[torch.nn.Parameter]] = [[], []]
    for name, weight in vae.named_parameters():
        halves[name.startswith(("decoder", "post_quant_conv"))].append(weight)
    return halves
