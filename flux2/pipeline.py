"""The story of a render: rewrite, screen, encode, denoise, decode, screen, picture after picture.

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
from flux2.masking import Patch, mask_of
from flux2.request import GenerationRequest
from flux2.screening.port import NOTHING, Screening
from flux2.upsampling import rewriting
from flux2.upsampling.local import Local
from flux2.upsampling.port import MAX_ANSWER_TOKENS

if TYPE_CHECKING:
    from flux2.engine import Engine, OnGlimpse

Phase = Literal["references", "rewrite", "encode", "denoise", "decode"]
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


@dataclass(frozen=True)
class Reworded:
    """A request whose prompt is the one to be drawn."""

    request: GenerationRequest
    prompt: str | None = None
    """The new one, where it was rewritten."""
    notes: tuple[str, ...] = ()
    """Sentences for the member: who rewrote it, or why nobody did."""


@dataclass
class Stopwatch:
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
    init_image: Image.Image | None = None,
    mask: Image.Image | None = None,
    on_step: OnStep | None = None,
    on_image: OnImage | None = None,
    screening: Screening = NOTHING,
    on_glimpse: OnGlimpse | None = None,
) -> Generation:
    """Draw every picture of `request`, each from its own seed; nothing that `screening` refuses is drawn or shown.

    `references` are the pictures of `request.reference_images`, in order, `init_image` that of `request.init_image`,
    `mask` that of `request.mask_image` as `masking.open_mask` returns it. Raises InvalidRequest, ScreeningRefused,
    OutOfMemory, and whatever `on_step` or `on_image` raises, GenerationCancelled above all.
    """
    watch = Stopwatch(on_step)
    watch.report("references", 0, len(references))
    for prompt in dict.fromkeys(request.prompts):
        screening.check_prompt(prompt)
    for reference in (*references, *filter(None, (init_image,))):
        screening.check_image(reference, "reference image")
    patch = None
    if request.is_masked:
        changed = mask_of(references[0], request.region, mask)
        patch = Patch.of(references[0], changed, (request.width, request.height))
    prepared = prepare_references(references[1:] if patch else references, engine.model)
    watch.report("encode", 0, 1)
    # A handful of megabytes each; the engine remembers one prompt's for the pictures that share it.
    embeddings = [engine.embed(request.of_picture(index)) for index in range(request.count)]
    watch.report("encode", 1, 1)
    images = []
    for index, seed in enumerate(request.seeds):
        after_step = _counter(watch, index, request)
        watch.report("denoise", index * request.denoising_steps, request.count * request.denoising_steps)
        image = engine.draw(
            request,
            embeddings[index],
            seed=seed,
            references=prepared,
            init_image=init_image,
            patch=patch,
            on_step=after_step,
            on_glimpse=on_glimpse,
        )
        image = patch.paste(image) if patch else image
        screening.check_image(image, "result")
        images.append(image)
        if on_image:
            on_image(index, image)
        watch.report("decode", index + 1, request.count)
    return Generation(images, request.seeds, watch.timings, _notes(engine, request))


def reword(
    engine: Engine,
    request: GenerationRequest,
    references: Sequence[Image.Image] = (),
    *,
    on_step: OnStep | None = None,
    screening: Screening = NOTHING,
) -> Reworded:
    """Let the text encoder rewrite the prompt where `request` asks for that; the screens see it before and after.

    A failure keeps the prompt and is noted. Raises ScreeningRefused, OutOfMemory, and whatever `on_step` raises.
    """
    if request.upsample != "local":
        return Reworded(request)
    screening.check_prompt(request.prompt)
    for reference in references:
        screening.check_image(reference, "reference image")

    def on_token(done: int) -> None:
        if on_step:
            on_step("rewrite", done, MAX_ANSWER_TOKENS)

    on_token(0)
    upsampler = Local(engine, seed=request.seed, on_token=on_token)
    done = rewriting.rewrite_or_keep(upsampler, request.prompt, references)
    final = request.model_copy(update={"prompt": done.prompt, "upsample": "none"})
    if not done.is_changed:
        return Reworded(final, None, done.notes)
    screening.check_prompt(done.prompt, "rewritten prompt")
    return Reworded(final, done.prompt, (*done.notes, f"Prompt rewritten by {upsampler.name}."))


def _counter(watch: Stopwatch, index: int, request: GenerationRequest) -> Callable[[int], None]:
    """Return what picture number `index` reports after each of its denoising steps."""
    per_picture = request.denoising_steps

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
