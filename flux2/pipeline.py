"""The story of a render: references, encode, denoise, decode, picture after picture.

Owns the order of the stages, what is reported between them and what is measured. Declines to know torch, files and
jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from PIL import Image

from flux2.conditioning import prepare_references
from flux2.request import GenerationRequest

if TYPE_CHECKING:
    from flux2.engine import Engine

Phase = Literal["references", "encode", "denoise", "decode"]
OnStep = Callable[[Phase, int, int], None]
"""Called with (phase, steps done, steps in all): at the start of a phase and after each of its steps.

Denoising counts the steps of all pictures, decoding counts pictures; the two alternate when there are several.
Raising GenerationCancelled from it stops the render at that boundary and leaves the engine as it was.
"""

OnImage = Callable[[int, Image.Image], None]
"""Called with a picture's index and the picture as soon as it is decoded; the next is drawn when it returns."""


@dataclass(frozen=True)
class Generation:
    """Finished pictures, in the order of their seeds."""

    images: list[Image.Image]
    seeds: tuple[int, ...]
    timings: dict[str, float]
    """Seconds per phase. Reading the references into latents counts as denoising."""
    notes: tuple[str, ...] = ()
    """Sentences for the member: a prompt that was cut."""


@dataclass
class _Stopwatch:
    """Seconds per phase, measured from one report to the next."""

    on_step: OnStep | None
    timings: dict[str, float] = field(default_factory=dict)
    _phase: str = "references"
    _since: float = field(default_factory=time.perf_counter)

    def report(self, phase: Phase, step: int, steps: int) -> None:
        """Book the time since the last report, then tell; the caller may raise to cancel."""
        now = time.perf_counter()
        self.timings[self._phase] = self.timings.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
        if self.on_step:
            self.on_step(phase, step, steps)


def generate(
    engine: Engine,
    request: GenerationRequest,
    references: Sequence[Image.Image] = (),
    *,
    on_step: OnStep | None = None,
    on_image: OnImage | None = None,
) -> Generation:
    """Draw every picture of `request`, each from its own seed.

    `references` are the pictures of `request.reference_images`, in order. Raises InvalidRequest, OutOfMemory, and
    whatever `on_step` or `on_image` raises, GenerationCancelled above all.
    """
    watch = _Stopwatch(on_step)
    watch.report("references", 0, len(references))
    prepared = prepare_references(references, engine.model)
    watch.report("encode", 0, 1)
    # A handful of megabytes each; the engine remembers one prompt's for the pictures that share it.
    embeddings = [engine.embed(request.of_picture(index)) for index in range(request.count)]
    watch.report("encode", 1, 1)
    images = []
    for index, seed in enumerate(request.seeds):
        after_step = _counter(watch, index, request)
        watch.report("denoise", index * request.num_inference_steps, request.count * request.num_inference_steps)
        image = engine.draw(request, embeddings[index], seed=seed, references=prepared, on_step=after_step)
        images.append(image)
        if on_image:
            on_image(index, image)
        watch.report("decode", index + 1, request.count)
    return Generation(images, request.seeds, watch.timings, _notes(engine, request))


def _counter(watch: _Stopwatch, index: int, request: GenerationRequest) -> Callable[[int], None]:
    """Return what picture number `index` reports after each of its denoising steps."""
    per_picture = request.num_inference_steps

    def after_step(done: int) -> None:
        watch.report("denoise", index * per_picture + done, request.count * per_picture)
        if done == per_picture:
            watch.report("decode", index, request.count)

    return after_step


def _notes(engine: Engine, request: GenerationRequest) -> tuple[str, ...]:
    tokens = max(engine.count_tokens(prompt) for prompt in set(request.prompts))
    limit = engine.model.max_sequence_length
    if tokens <= limit:
        return ()
    return (f"The prompt was cut after {limit} of its {tokens} tokens; a shorter one counts whole.",)
