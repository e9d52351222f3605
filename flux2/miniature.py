"""Miniatures: FLUX.2 folders of about 1 MB with random weights, built without a download.

Same layout, classes, VAE factor, packed width and tapped text layers as the public repositories, so that
`DiffusionPipeline.from_pretrained` takes the very path of the real weights; only the numbers are smaller. They draw
coloured texture, which is enough to see whether prompt, reference and seed reach the pixels.

    python -m flux2.miniature OUT [--kinds dev klein klein-base klein-kv] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from flux2.miniature_text import HIDDEN, mistral_encoder, mistral_tokenizer, qwen_encoder, qwen_tokenizer

KINDS = ("dev", "klein", "klein-base", "klein-kv")


def build(kind: str, seed: int = 0) -> Any:
    """Return a pipeline of `kind` (one of KINDS) in memory; the same seed gives the same bytes. Raises KeyError."""
    import diffusers

    classes = {
        "dev": diffusers.Flux2Pipeline,
        "klein": diffusers.Flux2KleinPipeline,
        "klein-base": diffusers.Flux2KleinPipeline,
        "klein-kv": diffusers.Flux2KleinKVPipeline,
    }
    pipeline: Any = classes[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = {"scheduler": scheduler(), "vae": _vae(), "transformer": _transformer(kind == "dev")}
        tokenizer = mistral_tokenizer() if kind == "dev" else qwen_tokenizer()
        parts["text_encoder"] = (mistral_encoder if kind == "dev" else qwen_encoder)(tokenizer).eval()
    distilled = {"is_distilled": kind == "klein"} if pipeline is diffusers.Flux2KleinPipeline else {}
    return pipeline(tokenizer=tokenizer, **parts, **distilled)


def write(folder: Path, kind: str, seed: int = 0) -> Path:
    """Write a miniature of `kind` into `folder` and return it."""
    build(kind, seed).save_pretrained(folder)
    return folder


def scheduler() -> Any:
    """FLUX.1-dev's published values; the pipelines' own shift formula overrides base and max."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    build: Any = FlowMatchEulerDiscreteScheduler
    return build(
        shift=3.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=1.15,
        base_image_seq_len=256,
        max_image_seq_len=4096,
    )


def _vae() -> Any:
    """Four levels for the factor of 8, and batch-norm statistics measured on smooth colours."""
    from diffusers import AutoencoderKLFlux2, Flux2Pipeline

    autoencoder: Any = AutoencoderKLFlux2
    vae = autoencoder(
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=32,
        sample_size=256,
        mid_block_add_attention=False,
    ).eval()
    with torch.no_grad():
        latents = Flux2Pipeline._patchify_latents(vae.encode(_smooth_pictures(8)).latent_dist.mode())
        vae.bn.running_mean.copy_(latents.mean(dim=(0, 2, 3)))
        vae.bn.running_var.copy_(latents.var(dim=(0, 2, 3)).clamp_min(1e-3))
    return vae


def _smooth_pictures(count: int, side: int = 128) -> torch.Tensor:
    """Colour ramps and slow waves in -1..1, shape (count, 3, side, side)."""
    generator = torch.Generator().manual_seed(1234)
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    basis = torch.stack([torch.ones_like(x), x, y, x * y, torch.sin(5 * x), torch.cos(7 * y)])
    return torch.tanh(torch.einsum("nck,khw->nchw", torch.randn(count, 3, 6, generator=generator), basis))


@torch.no_grad()
def _transformer(guidance_embeds: bool) -> Any:
    """One double and two single blocks, made to listen.

    As initialised, they nearly ignore prompt and references. Sharper attention and louder residual branches let both
    move the picture by about a tenth of full scale, so that a test can see the conditioning.
    """
    from diffusers import Flux2Transformer2DModel

    transformer: Any = Flux2Transformer2DModel
    model = transformer(
        in_channels=128,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * HIDDEN,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance_embeds,
    ).eval()
    for name, weight in model.named_parameters():
        if any(part in name for part in ("norm_q", "norm_k", "norm_added")):
            weight.mul_(3)
        elif any(part in name for part in ("attn.to_out", "to_add_out")):
            weight.mul_(12)
        elif "_modulation" in name or name.startswith("proj_out"):
            weight.mul_(8)
    return model


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the kinds asked for, one folder each, and print the folders."""
    parser = argparse.ArgumentParser(prog="python -m flux2.miniature", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to build in; each kind becomes a folder flux2-<kind> there")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    quiet: Any = transformers.utils.logging
    quiet.disable_progress_bar()
    for kind in options.kinds:
        sys.stdout.write(f"{write(options.out / f'flux2-{kind}', kind, options.seed)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
