"""A progress bar on stderr for one render."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flux2.request import GenerationRequest

if TYPE_CHECKING:
    from flux2.pipeline import OnStep


@contextmanager
def bar(request: GenerationRequest | None = None) -> Iterator[OnStep]:
    """Show the denoising steps of all pictures together, or all tiles' where there is no such request."""
    from tqdm import tqdm

    total = request.count * request.denoising_steps if request else None
    with tqdm(total=total, unit="step", file=sys.stderr) as shown:

        def on_step(phase: str, step: int, steps: int) -> None:
            shown.set_description(phase)
            if phase == "denoise":
                shown.total = steps
                shown.update(step - shown.n)

        yield on_step
