"""`python -m flux2.card_reader DEVICE`: prints the `Card` as a line of JSON and ends. Started by `flux2.card.read`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flux2 import quantization
from flux2.card import REFUSED, Card
from flux2.errors import CheckpointUnavailable

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def main(device: str) -> int:
    """Look, print, and return the exit status."""
    try:
        card = look(device)
    except CheckpointUnavailable as refusal:
        sys.stderr.write(f"{refusal}\n")
        return REFUSED
    sys.stdout.write(card.model_dump_json() + "\n")
    return 0


def look(device: str) -> Card:
    """Open `device` and measure it. Raises CheckpointUnavailable where there is none."""
    import torch

    from flux2.engine import choose_device

    chosen = choose_device(device)
    main_memory, quantizes = main_memory_bytes(), quantization.is_possible()
    if chosen == "cpu":
        return Card(kind="none", main_memory_bytes=main_memory, quantizes=quantizes)
    if chosen == "mps":
        # Apple's cards share the main memory; this is the part the system lets one process have.
        usable = torch.mps.recommended_max_memory()
        return Card(
            kind="mps", name="Apple GPU", total_bytes=usable, free_bytes=usable, count=1,
            main_memory_bytes=main_memory, quantizes=quantizes,
        )  # fmt: skip
    properties = torch.cuda.get_device_properties(chosen)
    free, total = torch.cuda.mem_get_info(chosen)
    return Card(
        kind="cuda", name=properties.name, total_bytes=total, free_bytes=free, count=torch.cuda.device_count(),
        capability=(properties.major, properties.minor), main_memory_bytes=main_memory, quantizes=quantizes,
    )  # fmt: skip


def main_memory_bytes() -> int:
    """Bytes of main memory, or what the container may use of them."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(physical, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no control group, or its limit is “max”
        return physical


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
