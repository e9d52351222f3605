"""Which model on which device: the flags every drawing verb shares, the model and the engine they describe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flux2 import card, checkpoint
from flux2.errors import CheckpointUnavailable
from flux2.fit import AUTO, fit
from flux2.models import DEFAULT_MODEL, QUANTIZATIONS, REGISTRY, Model

if TYPE_CHECKING:
    from flux2.engine import Engine


def add_flags(command: argparse.ArgumentParser) -> None:
    """Add --model, --device, --cpu-offloading, --quantization, --threads and --hf-home."""
    command.add_argument(
        "--model",
        help=f"{', '.join(REGISTRY)}, a folder, or {AUTO}: what fits the card; default {DEFAULT_MODEL}",
    )
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps; default auto")
    command.add_argument(
        "--cpu-offloading", action="store_true", help="keep parts of the model in main memory until they are needed"
    )
    command.add_argument(
        "--quantization", choices=QUANTIZATIONS, default="none", help="int8 halves the memory of the weights"
    )
    command.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    command.add_argument("--hf-home", type=Path, help="where downloaded weights are kept")


def choose(options: argparse.Namespace) -> Model:
    """Return the model the flags name; for auto, what the card is found fit for, and set the flags that go with it.

    Raises CheckpointUnavailable.
    """
    if options.model != AUTO:
        return checkpoint.resolve(options.model or DEFAULT_MODEL)
    found = fit(card.read(options.device), lambda model: _is_here(model, options.hf_home))
    sys.stderr.write(f"{found.words}\n")
    options.cpu_offloading, options.quantization = found.route.cpu_offload, found.route.quantization
    return found.route.model


def _is_here(model: Model, hf_home: Path | None) -> bool:
    """Whether the weights were fetched, for which their licence was accepted."""
    try:
        checkpoint.locate(model, hf_home=hf_home)
    except CheckpointUnavailable:
        return False
    return True


def load(model: Model, options: argparse.Namespace) -> Engine:
    """Load `model` as the flags say. Raises CheckpointUnavailable, OutOfMemory."""
    checkpoint.locate(model, hf_home=options.hf_home)  # before the seconds that importing torch takes
    from flux2.engine import Engine

    return Engine.load(
        model,
        device=options.device,
        cpu_offload=options.cpu_offloading,
        quantized=options.quantization,
        threads=options.threads,
        hf_home=options.hf_home,
    )
