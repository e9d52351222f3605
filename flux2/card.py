"""What of a machine decides which model it can draw with: its accelerator and its main memory. A value, torch-free.

`read` looks at this machine in a process of its own: whoever asks may hold a lease and must not touch CUDA.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from flux2.errors import CheckpointUnavailable

_PATIENCE_S = 120.0
"""Importing torch takes seconds, a driver that wakes up a card some more."""
REFUSED = 78
"""Exit status of a reader that was asked for a device this machine has not."""


class Card(BaseModel):
    """One accelerator and the machine around it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["cuda", "mps", "none"]
    """none: there is only the CPU."""
    name: str = ""
    total_bytes: int = 0
    free_bytes: int = 0
    """What is left beside a process that has opened the card."""
    capability: tuple[int, int] | None = None
    """CUDA's compute capability; bfloat16 in hardware begins with 8.0."""
    count: int = 0
    """How many such cards the machine has."""
    main_memory_bytes: int
    quantizes: bool = True
    """Whether weights can be kept in int8 here."""


def read(device: str) -> Card:
    """Look at `device` (auto, cpu, cuda[:N] or mps) of this machine. Raises CheckpointUnavailable."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "flux2.card_reader", device],
            capture_output=True, text=True, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _unreadable(f"no answer within {_PATIENCE_S:.0f} s") from None
    complaint = _last_line(done.stderr)
    if done.returncode == REFUSED:
        raise CheckpointUnavailable(complaint)
    try:
        return Card.model_validate_json(_last_line(done.stdout))
    except ValidationError:
        raise _unreadable(complaint or f"status {done.returncode}") from None


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[-1]


def _unreadable(why: str) -> CheckpointUnavailable:
    return CheckpointUnavailable(f"The card cannot be looked at ({why}); set FLUX2_MODEL to a model instead of auto.")
