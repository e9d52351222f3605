"""Which model on which device: the flags every drawing verb shares, and the engine they describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from flux2 import checkpoint
from flux2.models import DEFAULT_MODEL, REGISTRY, Model

if TYPE_CHECKING:
    from flux2.engine import Engine


def add_flags(command: argparse.ArgumentParser) -> None:
    """Add --model, --device, --cpu-offloading, --threads and --hf-home."""
    command.add_argument(
        "--model", default=DEFAULT_MODEL, help=f"{', '.join(REGISTRY)}, or a folder; default {DEFAULT_MODEL}"
    )
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps; default auto")
    command.add_argument(
        "--cpu-offloading", action="store_true", help="keep parts of the model in main memory until they are needed"
    )
    command.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    command.add_argument("--hf-home", type=Path, help="where downloaded weights are kept")


def load(model: Model, options: argparse.Namespace) -> Engine:
    """Load `model` as the flags say. Raises CheckpointUnavailable, OutOfMemory."""
    checkpoint.locate(model, hf_home=options.hf_home)  # before the seconds that importing torch takes
    from flux2.engine import Engine

    return Engine.load(
        model,
        device=options.device,
        cpu_offload=options.cpu_offloading,
        threads=options.threads,
        hf_home=options.hf_home,
    )
