"""flux2.engine: loading, memory, devices, token counts, the embedding cache."""

from pathlib import Path

import pytest
import torch

from flux2 import checkpoint
from flux2.engine import TILING_PIXELS, Engine, choose_device
from flux2.errors import CheckpointUnavailable, GenerationCancelled, OutOfMemory
from flux2.models import REGISTRY
from flux2.pipeline import generate
from flux2.request import GenerationRequest, settle


def test_a_remembered_prompt_gives_identical_pixels(sample_engine: Engine) -> None:
    """Drawn from the cache, the picture is the same as drawn by a freshly loaded engine."""
    request, _ = settle(sample_engine.model, "a yellow heart on a black background", seed=4)
    generate(sample_engine, request)
    remembered = generate(sample_engine, request).images[0].tobytes()
    fresh = Engine.load(sample_engine.model, device="cpu")
    assert generate(fresh, request).images[0].tobytes() == remembered


def test_a_prompt_is_encoded_once(sample_engine: Engine) -> None:
    """The second request with the same words never reaches the text encoder."""
    calls = []
    encoder = sample_engine._pipe.text_encoder
    hook = encoder.register_forward_hook(lambda *_: calls.append(1))
    try:
        for seed in (1, 2):
            generate(sample_engine, settle(sample_engine.model, "a prompt for this test alone", seed=seed)[0])
    finally:
        hook.remove()
    assert len(calls) == 1


def test_token_counts_are_exact(sample_engine: Engine) -> None:
    """The count is what the tokenizer makes of the template: known words are one token, two marks stand around."""
    assert sample_engine.count_tokens("red circle") == 4
    assert sample_engine.count_tokens("red " * 60) == 62


def test_running_out_of_memory_is_worded_and_survived(sample_engine: Engine) -> None:
    """A picture no machine can hold is OutOfMemory, and the next one is drawn as if nothing had been."""
    small, _ = settle(sample_engine.model, "a red circle", seed=1)
    before = generate(sample_engine, small).images[0].tobytes()
    huge = GenerationRequest(
        model="sample", prompt="a red circle", width=2**24, height=2**24, num_inference_steps=1, seed=0
    )
    with pytest.raises(OutOfMemory, match="ask for a smaller one or fewer references"):
        generate(sample_engine, huge)
    assert generate(sample_engine, small).images[0].tobytes() == before


def test_offloaded_parts_are_put_back_after_a_cancel(sample_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline tidies its offload hooks only on a normal end; the engine does it after an exception too."""
    pipe, tidied = sample_engine._pipe, []
    tidy = pipe.maybe_free_model_hooks
    monkeypatch.setattr(pipe, "maybe_free_model_hooks", lambda: tidied.append(tidy()))
    request, _ = settle(sample_engine.model, "a red circle", seed=1)
    embeddings = sample_engine.embed(request)
    tidied.clear()

    def on_step(_done: int) -> None:
        raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        sample_engine.draw(request, embeddings, seed=1, on_step=on_step)
    assert len(tidied) == 1


def test_an_error_of_our_own_is_not_taken_for_memory(sample_engine: Engine) -> None:
    """A RuntimeError that is not the allocator's passes through unchanged."""

    def on_step(_done: int) -> None:
        raise RuntimeError("not about space at all")

    request, _ = settle(sample_engine.model, "a red circle", seed=1)
    with pytest.raises(RuntimeError, match="not about space"):
        sample_engine.draw(request, sample_engine.embed(request), seed=1, on_step=on_step)


def test_large_pictures_are_decoded_in_tiles(miniatures: Path) -> None:
    """Tiling is on above its bound and off again below, so that a small picture's pixels never depend on history."""
    engine = Engine.load(checkpoint.resolve(str(miniatures / "flux2-klein")), device="cpu")
    vae = engine._pipe.vae
    for side, tiled in ((1264, True), (64, False)):
        request = GenerationRequest(model="m", prompt="x", width=side, height=side, num_inference_steps=1, seed=0)
        image = engine.draw(request, engine.embed(request), seed=0)
        assert (side * side > TILING_PIXELS) == tiled
        assert (image.size, vae.use_tiling) == ((side, side), tiled)


def test_warming_up_changes_no_picture(sample_engine: Engine) -> None:
    """A warm engine draws what a cold one draws."""
    request, _ = settle(sample_engine.model, "a red circle", seed=1)
    before = generate(sample_engine, request).images[0].tobytes()
    sample_engine.warm_up()
    assert generate(sample_engine, request).images[0].tobytes() == before


def test_the_cpu_runs_in_float32(sample_engine: Engine) -> None:
    """The half-precision weights of the sample are computed in float32 on the CPU, and no memory figure is invented."""
    parts = (sample_engine._pipe.transformer, sample_engine._pipe.vae, sample_engine._pipe.text_encoder)
    assert {part.dtype for part in parts} == {torch.float32}
    assert sample_engine.memory_bytes() is None


def test_threads_are_the_callers_choice() -> None:
    """`threads` sets what torch uses."""
    before = torch.get_num_threads()
    try:
        Engine.load(REGISTRY["sample"], device="cpu", threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["cuda:77", "mps:3", "tpu"])
def test_a_device_that_is_not_there_is_refused_in_words(device: str) -> None:
    """The sentence names the device and what to choose instead."""
    with pytest.raises(CheckpointUnavailable, match=f"There is no device {device} on this machine; choose auto or cpu"):
        choose_device(device)


def test_auto_always_finds_a_device() -> None:
    """Whatever the machine, auto is a device torch can use."""
    assert torch.zeros(1, device=choose_device("auto")).sum() == 0
    assert choose_device("cpu") == "cpu"


def test_damaged_weights_are_one_sentence(tmp_path: Path, miniatures: Path) -> None:
    """A truncated weight file is CheckpointUnavailable, not a trace."""
    import shutil

    folder = shutil.copytree(miniatures / "flux2-klein", tmp_path / "broken")
    (weights,) = (folder / "transformer").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointUnavailable, match="cannot be loaded"):
        Engine.load(checkpoint.resolve(str(folder)), device="cpu")


def test_weights_of_another_kind_are_refused(miniatures: Path) -> None:
    """A registry entry whose folder turns out to hold another pipeline is refused before it draws nonsense."""
    wrong = REGISTRY["dev"].model_copy(update={"source": str(miniatures / "flux2-klein")})
    with pytest.raises(CheckpointUnavailable, match="is a Flux2KleinPipeline, and dev is a Flux2Pipeline"):
        Engine.load(wrong, device="cpu")


def test_offloading_needs_something_to_spare() -> None:
    """On the CPU there is nothing to move parts of the model out of: said before any weights are read."""
    with pytest.raises(CheckpointUnavailable, match="this is the CPU already; leave it out"):
        Engine.load(REGISTRY["sample"], device="cpu", cpu_offload=True)
