"""flux2.pipeline on the sample model: seeds, references, cancellation, meaning."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from flux2.engine import Engine
from flux2.errors import GenerationCancelled, InvalidRequest
from flux2.pipeline import Generation, generate
from flux2.request import GenerationRequest, ReferenceImage, settle

PROMPT = "a red circle on a white background"


def ask(engine: Engine, prompt: str = PROMPT, *images: Image.Image, seed: int = 1, **options: Any) -> GenerationRequest:
    references = tuple(ReferenceImage(sha256="0" * 64, width=i.width, height=i.height) for i in images)
    request, _ = settle(engine.model, prompt, reference_images=references, seed=seed, **options)
    return request


def pixels(generation: Generation, index: int = 0) -> bytes:
    return generation.images[index].tobytes()


def green_square() -> Image.Image:
    image = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(image).rectangle((36, 36, 92, 92), fill=(40, 160, 60))
    return image


def stop_at(phase: str, step: int) -> Callable[[str, int, int], None]:
    def on_step(now: str, done: int, _steps: int) -> None:
        if (now, done) == (phase, step):
            raise GenerationCancelled

    return on_step


def test_a_seed_gives_the_same_pixels(sample_engine: Engine) -> None:
    """The same request twice is bit-identical; another seed is another picture."""
    first = generate(sample_engine, ask(sample_engine))
    assert pixels(generate(sample_engine, ask(sample_engine))) == pixels(first)
    assert pixels(generate(sample_engine, ask(sample_engine, seed=2))) != pixels(first)
    assert first.seeds == (1,)


def test_pictures_of_a_count_are_those_of_their_seeds(sample_engine: Engine) -> None:
    """Picture k of four is bit-identical to its seed alone."""
    four = generate(sample_engine, ask(sample_engine, seed=5, count=4))
    assert four.seeds == (5, 6, 7, 8)
    alone = [pixels(generate(sample_engine, ask(sample_engine, seed=seed))) for seed in four.seeds]
    assert [pixels(four, k) for k in range(4)] == alone
    assert len(set(alone)) == 4


def test_the_picture_has_the_size_asked_for(sample_engine: Engine) -> None:
    """Width and height of the request are those of the picture."""
    request = ask(sample_engine, aspect="16:9")
    assert generate(sample_engine, request).images[0].size == (request.width, request.height) == (160, 96)


def test_the_prompt_means_something(sample_engine: Engine) -> None:
    """A red circle on white: the border is white and the middle red, for several seeds."""
    for image in generate(sample_engine, ask(sample_engine, seed=11, count=3)).images:
        rgb = np.asarray(image).astype(int)
        border = np.concatenate([rgb[:6].reshape(-1, 3), rgb[-6:].reshape(-1, 3), rgb[:, :6].reshape(-1, 3)])
        middle = rgb[56:72, 56:72].reshape(-1, 3)
        assert (border.min(axis=1) > 225).mean() > 0.98
        assert ((middle[:, 0] > 170) & (middle[:, 1:].max(axis=1) < 110)).mean() > 0.95


def test_a_reference_is_looked_at(sample_engine: Engine) -> None:
    """An edit of a green square keeps the place and takes the colour; without the reference it is another picture."""
    square = green_square()
    request = ask(sample_engine, "make it blue", square, seed=3)
    edited = generate(sample_engine, request, [square])
    assert pixels(edited) != pixels(generate(sample_engine, ask(sample_engine, "make it blue", seed=3)))
    rgb = np.asarray(edited.images[0]).astype(int)
    red, green, blue = rgb[52:76, 52:76].reshape(-1, 3).mean(axis=0)
    assert blue > 150 > max(red, green)
    assert rgb[:10].min() > 200


def test_references_of_any_odd_kind_are_taken(sample_engine: Engine) -> None:
    """Tiny, large and grey references are made acceptable; a shape over 8:1 is refused, and the engine goes on."""
    odd = [Image.new("L", (7, 5), 128), green_square().resize((900, 900))]
    generate(sample_engine, ask(sample_engine, "a red circle", *odd, size="64x64"), odd)
    long = Image.new("RGB", (900, 100))
    with pytest.raises(InvalidRequest, match="crop it to at most 8:1"):
        generate(sample_engine, ask(sample_engine, "a red circle", size="64x64"), [long])


@pytest.mark.parametrize(
    ("phase", "step"),
    [("references", 0), ("encode", 0), ("encode", 1), ("denoise", 0), ("denoise", 2), ("decode", 0), ("denoise", 6)],
)
def test_a_cancelled_render_leaves_no_trace(sample_engine: Engine, phase: str, step: int) -> None:
    """Stopped in any phase, in the first picture or the second: the next render is bit-identical to one before."""
    before = pixels(generate(sample_engine, ask(sample_engine)))
    with pytest.raises(GenerationCancelled):
        generate(sample_engine, ask(sample_engine, "a blue star", seed=9, count=2), on_step=stop_at(phase, step))
    assert pixels(generate(sample_engine, ask(sample_engine))) == before


def test_cancelling_takes_effect_within_one_step(sample_engine: Engine) -> None:
    """After the step that raised, not one further step is taken."""
    seen: list[tuple[str, int]] = []

    def on_step(phase: str, step: int, _steps: int) -> None:
        seen.append((phase, step))
        if (phase, step) == ("denoise", 2):
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        generate(sample_engine, ask(sample_engine, steps=8), on_step=on_step)
    assert seen[-1] == ("denoise", 2)


def test_progress_counts_every_step_of_every_picture(sample_engine: Engine) -> None:
    """Two pictures of four steps: eight denoising steps and two decodings, in order, each phase announced."""
    seen: list[tuple[str, int, int]] = []
    generate(sample_engine, ask(sample_engine, count=2), on_step=lambda *event: seen.append(event))
    assert seen == [
        ("references", 0, 0), ("encode", 0, 1), ("encode", 1, 1),
        ("denoise", 0, 8), ("denoise", 1, 8), ("denoise", 2, 8), ("denoise", 3, 8), ("denoise", 4, 8),
        ("decode", 0, 2), ("decode", 1, 2),
        ("denoise", 4, 8), ("denoise", 5, 8), ("denoise", 6, 8), ("denoise", 7, 8), ("denoise", 8, 8),
        ("decode", 1, 2), ("decode", 2, 2),
    ]  # fmt: skip


def test_seconds_are_measured_per_phase(sample_engine: Engine) -> None:
    """Each phase that ran has its seconds, and together they are the render's."""
    timings = generate(sample_engine, ask(sample_engine, "a prompt not seen before")).timings
    assert set(timings) == {"references", "encode", "denoise", "decode"}
    assert all(seconds >= 0 for seconds in timings.values())
    assert timings["denoise"] > 0 < timings["encode"]


def test_a_prompt_that_is_cut_is_said(sample_engine: Engine) -> None:
    """The exact token counts are named; what lies after the cut changes nothing, what lies before does."""
    long = "red " * 100
    cut = generate(sample_engine, ask(sample_engine, long + "star"))
    assert cut.notes == ("The prompt was cut after 64 of its 103 tokens; a shorter one counts whole.",)
    assert pixels(cut) == pixels(generate(sample_engine, ask(sample_engine, long + "ring")))
    assert generate(sample_engine, ask(sample_engine)).notes == ()


def test_threads_wait_for_one_another(sample_engine: Engine) -> None:
    """A pipeline is not thread-safe; the engine is: three threads draw what each would draw alone."""
    requests = [ask(sample_engine, "a blue star", seed=seed, steps=8) for seed in (1, 2, 3)]
    alone = [pixels(generate(sample_engine, request)) for request in requests]
    together: dict[int, bytes] = {}

    def draw(index: int) -> None:
        together[index] = pixels(generate(sample_engine, requests[index]))

    threads = [threading.Thread(target=draw, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [together[index] for index in range(3)] == alone


def test_each_picture_is_handed_over_before_the_next_is_drawn(sample_engine: Engine) -> None:
    """A caller can save picture one while there is no picture two yet; the pictures are those of the result."""
    seen: list[tuple[str, int]] = []
    handed: list[bytes] = []

    def on_image(index: int, image: Image.Image) -> None:
        seen.append(("image", index))
        handed.append(image.tobytes())

    request = ask(sample_engine, count=2)
    result = generate(
        sample_engine, request, on_step=lambda phase, step, _: seen.append((phase, step)), on_image=on_image
    )
    assert handed == [pixels(result, 0), pixels(result, 1)]
    assert seen.index(("image", 0)) < seen.index(("denoise", 5)) < seen.index(("image", 1))
