"""flux2.training's run: batches, steps, resuming, export."""

import contextlib
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from flux2.conditioning import prepare_references
from flux2.models import REGISTRY
from flux2.training.cases import Case, papers
from flux2.training.examples import Examples, Plan, _targets, proportions, reference_grid, references
from flux2.training.export import mixed
from flux2.training.latents import LIVE, image_ids, small_of, tokens_of
from flux2.training.quick import answer
from flux2.training.recipe import RECIPES, Phase
from flux2.training.run import Run, new_optimizers
from flux2.training.scenes import is_held_out, random_scene
from flux2.training.text import Words
from flux2.training.transformer import (
    FEW_STEPS,
    VISITED,
    VISITED_JITTER,
    Batch,
    draw_times,
    loss_of,
    new_transformer,
    plain_attention,
    shift,
    velocity,
)
from flux2.training.vae import Training, new_vae

CPU = torch.device("cpu")
KINDS = {"one": 1.0, "two": 1.0, "edit": 1.0, "blend": 1.0, "sharpen": 1.0}
TINY = Plan({"one": 1.0}, {(4, 4): 1.0}, tokens=800)


@pytest.fixture(scope="module")
def words() -> Words:
    """The tokenizer and table, made anew."""
    return Words()


def test_twenty_steps_lower_the_loss(tmp_path: Path) -> None:
    """From nothing, the error falls by a fifth within twenty steps of the real loop."""
    run = Run(tmp_path, [Phase("try", 20, TINY, rate=1e-2, last_rate=1e-2)], CPU)
    losses = [run.once()[1] for _ in range(20)]
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


def test_a_resumed_run_is_the_unbroken_run(tmp_path: Path) -> None:
    """Stopped after three steps of five and started again, the weights come out the same to the bit."""
    phases = [Phase("try", 5, TINY)]
    for _ in Run(tmp_path / "whole", phases, CPU).advance():
        pass
    for until in (3, 5):
        for _ in Run(tmp_path / "parts", phases, CPU).advance(until=until):
            pass
    whole, parts = (torch.load(tmp_path / name / "weights-000005.pt") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_what_the_pipeline_would_see(words: Words, kind: str) -> None:
    """References have their grid and the target's, empty channels are empty, and nothing held out is a target."""
    plan = Plan({kind: 1.0}, {(4, 6): 1.0}, tokens=800)
    for seed in range(5):
        got, batch = Examples(plan, words, random.Random(seed)).next()
        assert got == kind
        assert len(batch.references) == {"edit": 1, "blend": 2}.get(kind, 0)
        assert batch.target.shape == (len(batch.words), 24, 128)
        assert all(tokens.shape == batch.target.shape for tokens in batch.references)
        assert not batch.target[..., LIVE:].any()


@pytest.mark.parametrize(
    ("grid", "seen"), [((8, 8), (8, 8)), ((16, 16), (8, 8)), ((9, 16), (6, 10)), ((10, 6), (10, 6))]
)
def test_references_are_as_small_as_the_worker_makes_them(grid: tuple[int, int], seen: tuple[int, int]) -> None:
    """Training draws a large reference as it reaches the transformer in use: reduced and cut to whole tokens."""
    scene = random_scene(random.Random(3), *proportions(grid))
    (worker,) = prepare_references(Case("", scene, grid, (scene,)).pictures(), REGISTRY["sample"])
    assert (worker.height // 16, worker.width // 16) == reference_grid(grid) == seen
    rows, columns = seen[0] * 16, seen[1] * 16
    top, left = (worker.height - rows) // 2, (worker.width - columns) // 2
    cut = worker.crop((left, top, left + columns, top + rows)).resize((columns // 4, rows // 4), Image.Resampling.BOX)
    theirs = torch.from_numpy(np.asarray(cut).copy()).permute(2, 0, 1) / 127.5 - 1
    assert (references([scene], grid)[0] - theirs).abs().mean() < 0.03


def test_held_out_pairs_are_never_targets() -> None:
    """The examples' own filter, over many scenes."""
    rng = random.Random(0)
    assert not any(is_held_out(scene.thing) for scene in _targets(rng, lambda: random_scene(rng, hex_share=0), 500))


def test_tokens_are_the_pipelines_tokens() -> None:
    """Raster order and channel order are those of the pipeline's own patchify; positions those of its ids."""
    from diffusers import Flux2KleinPipeline

    small = torch.rand(2, 3, 16, 24) * 2 - 1
    tokens = tokens_of(small)
    assert torch.allclose(small_of(tokens, 4, 6), small, atol=1e-6)
    latents = torch.nn.functional.pad(torch.nn.functional.pixel_unshuffle(small, 2), (0, 0, 0, 0, 0, 20)) / 0.75
    packed = Flux2KleinPipeline._pack_latents(Flux2KleinPipeline._patchify_latents(latents))
    assert torch.allclose(packed, tokens)
    prepared = Flux2KleinPipeline._prepare_image_ids([torch.zeros(1, 128, 4, 6)])
    assert torch.equal(prepared[0], image_ids(1, 4, 6))


def test_noise_levels_lie_where_the_sampler_goes() -> None:
    """More than half are near one of the levels of the default steps; all others occur."""
    levels, factor = draw_times(4000, 64, None), shift(64)
    assert 0 < levels.min() < 0.1
    assert levels.max() <= 1
    unshifted = levels / (levels + factor * (1 - levels))  # the inverse of the sampler's shift
    off = (unshifted * FEW_STEPS - (unshifted * FEW_STEPS).round().clamp_min(1)).abs() / FEW_STEPS
    assert (off <= VISITED_JITTER + 1e-6).float().mean() > VISITED


def test_stand_ins_answer_for_the_whole_padding(words: Words) -> None:
    """With stand-ins for 512 tokens the transformer answers nearly as with all of them, and not as without padding."""
    torch.manual_seed(1)
    model = new_transformer()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    noisy, text = torch.randn(1, 16, 128), words(["a red circle"])
    plain = Batch(text, noisy, (4, 4))
    few = Batch(text, noisy, (4, 4), padding=512 - text.shape[1])
    full = Batch(torch.nn.functional.pad(text, (0, 0, 0, 512 - text.shape[1])), noisy, (4, 4))
    with torch.no_grad(), plain_attention(CPU):
        answers = [velocity(model, noisy, torch.tensor([0.7]), batch) for batch in (plain, few, full)]
    without, standing, exact = answers
    assert (standing - exact).norm() < 0.35 * (without - exact).norm()


def test_a_bucket_changes_nothing(words: Words) -> None:
    """Masked filling up to a bucket leaves the answer as it is."""
    torch.manual_seed(1)
    model = new_transformer()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    noisy, text = torch.randn(1, 16, 128), words(["a red circle"])
    with torch.no_grad(), plain_attention(CPU):
        alone, filled = (
            velocity(model, noisy, torch.tensor([0.7]), Batch(text, noisy, (4, 4), bucket=bucket)) for bucket in (0, 72)
        )
    assert torch.allclose(alone, filled, atol=0.05)


@pytest.mark.parametrize("recipe", [name for name, phases in RECIPES.items() if phases])
def test_a_step_keeps_to_its_device(words: Words, recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forward, backward, both optimizers and the sampling of a curve run where the model lies, for every batch drawn.

    PyTorch's meta device stands for the GPU: it computes nothing, and refuses tensors that were left on the CPU.
    """
    monkeypatch.setattr(torch, "autocast", lambda *_: contextlib.nullcontext())
    meta = torch.device("meta")
    model = new_transformer().to(meta)
    optimizers = new_optimizers(model)
    for seed, phase in enumerate(RECIPES[recipe] * 3):
        _, batch = Examples(replace(phase.plan, tokens=400), words, random.Random(seed)).next()
        loss = loss_of(model, batch.to(meta))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        assert loss.device == meta
    for paper in papers((4, 4))[:10:4]:
        assert answer(model, words, paper.cases(2)).device == meta


def test_the_vae_learns_and_keeps_empty_channels_empty(tmp_path: Path) -> None:
    """Ten steps lower the decoder's loss; the twenty unused channels stay zero."""
    training = Training(tmp_path, CPU)
    losses = [training.once(1000) for _ in range(10)]
    assert sum(losses[-3:]) < sum(losses[:3])
    weight = training.vae.quant_conv.weight
    assert not weight[12:].any()
    assert sum(p.numel() for p in new_vae().parameters()) < 500_000


def test_half_of_the_start_can_be_kept() -> None:
    """The export's mix lies on the line between a continuation and its start."""
    late, first = {"w": torch.tensor([2.0, 4.0]).half()}, {"w": torch.tensor([0.0, 8.0])}
    assert mixed(late, first, 0.0)["w"].tolist() == [2, 4]
    assert mixed(late, first, 0.25)["w"].tolist() == [1.5, 5]
    assert mixed(late, first, 1.0)["w"].tolist() == [0, 8]
