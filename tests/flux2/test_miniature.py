"""Every kind of FLUX.2, as a miniature, through the same engine."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from flux2.checkpoint import missing_parts, resolve
from flux2.engine import Engine
from flux2.errors import GenerationCancelled
from flux2.miniature import KINDS, write
from flux2.pipeline import generate
from flux2.request import GenerationRequest, ReferenceImage, settle

PROMPT = "a fox in a forest"
STEPS = {"dev": 3, "klein": None, "klein-base": 3, "klein-kv": None}
# What each pipeline has to be called with, from the model cards: not read from the registry.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "dev": {"num_inference_steps": 3, "guidance_scale": 4.0},
    "klein": {"num_inference_steps": 4, "guidance_scale": 1.0},
    "klein-base": {"num_inference_steps": 3, "guidance_scale": 4.0},
    "klein-kv": {"num_inference_steps": 4},
}
_ENGINES: dict[str, Engine] = {}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(kind: str, miniatures: Path) -> Engine:
    """The miniature of `kind`, loaded once a session."""
    if kind not in _ENGINES:
        _ENGINES[kind] = Engine.load(resolve(str(miniatures / f"flux2-{kind}")), device="cpu", threads=1)
    return _ENGINES[kind]


def gradient(width: int = 128, height: int = 96) -> Image.Image:
    return Image.merge("RGB", [Image.linear_gradient("L").resize((width, height)).rotate(90 * i) for i in range(3)])


def ask(engine: Engine, kind: str, *images: Image.Image, **options: Any) -> GenerationRequest:
    references = tuple(ReferenceImage(sha256="0" * 64, width=i.width, height=i.height) for i in images)
    given: dict[str, Any] = {"seed": 1, "size": "128x96", "steps": STEPS[kind], **options}
    return settle(engine.model, PROMPT, reference_images=references, **given)[0]


@pytest.mark.parametrize("with_reference", [False, True])
def test_the_engine_calls_each_pipeline_as_its_model_card_says(
    kind: str, engine: Engine, miniatures: Path, with_reference: bool
) -> None:
    """Bit-identical to the stock pipeline called by hand with the right steps and guidance, cached or not."""
    import diffusers

    pipe = diffusers.DiffusionPipeline.from_pretrained(miniatures / f"flux2-{kind}", dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    images = [gradient()] if with_reference else []
    generator = torch.Generator().manual_seed(1)
    by_hand = pipe(prompt=PROMPT, image=images or None, width=128, height=96, generator=generator, **ARGUMENTS[kind])
    request = ask(engine, kind, *images)
    for _ in range(2):
        assert generate(engine, request, images).images[0].tobytes() == by_hand.images[0].tobytes()


def test_prompt_reference_and_seed_reach_the_pixels(kind: str, engine: Engine) -> None:
    """Each of the three, changed alone, changes the picture."""
    plain = ask(engine, kind)
    drawn = {
        generate(engine, plain).images[0].tobytes(),
        generate(engine, plain.model_copy(update={"prompt": "a blue river"})).images[0].tobytes(),
        generate(engine, plain.model_copy(update={"seed": 2})).images[0].tobytes(),
        generate(engine, plain, [gradient()]).images[0].tobytes(),
        generate(engine, plain, [gradient(), gradient(64, 64)]).images[0].tobytes(),
    }
    assert len(drawn) == 5


@pytest.mark.parametrize("kind", ["dev", "klein-base"])
def test_guidance_is_the_members_where_the_model_has_one(kind: str, engine: Engine) -> None:
    """Another guidance scale gives another picture; at 1 the base model runs without its second pass."""
    drawn = {generate(engine, ask(engine, kind, guidance=scale)).images[0].tobytes() for scale in (1.0, 2.0, 6.0)}
    assert len(drawn) == 3


def test_cancelling_leaves_each_kind_as_it_was(kind: str, engine: Engine) -> None:
    """Stopped after the first step with a reference (kv caches its keys there), the next picture is undisturbed."""
    before = generate(engine, ask(engine, kind)).images[0].tobytes()

    def on_step(phase: str, step: int, _steps: int) -> None:
        if (phase, step) == ("denoise", 1):
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        generate(engine, ask(engine, kind, gradient()), [gradient()], on_step=on_step)
    assert generate(engine, ask(engine, kind)).images[0].tobytes() == before


def test_token_counts_are_those_the_encoder_sees(kind: str, engine: Engine) -> None:
    """Template and system message included, the count is the number of tokens that are not padding."""
    masks: list[torch.Tensor] = []
    encoder = engine._pipe.text_encoder
    hook = encoder.register_forward_pre_hook(
        lambda _, __, given: masks.append(given["attention_mask"]), with_kwargs=True
    )
    try:
        generate(engine, ask(engine, kind).model_copy(update={"prompt": "count every one of these"}))
    finally:
        hook.remove()
    assert engine.count_tokens("count every one of these") == masks[0].sum() < 512


def test_a_prompt_that_is_cut_is_said(kind: str, engine: Engine) -> None:
    """Beyond 512 tokens the prompt is cut, drawn, and the cut is said with both figures."""
    prompt = "fox " * 600
    tokens = engine.count_tokens(prompt)
    (note,) = generate(engine, ask(engine, kind).model_copy(update={"prompt": prompt})).notes
    assert tokens > 600
    assert note == f"The prompt was cut after 512 of its {tokens} tokens; a shorter one counts whole."


def test_a_miniature_is_small_complete_and_the_same_every_time(kind: str, miniatures: Path, tmp_path: Path) -> None:
    """About 1 MB, nothing missing, and byte-identical when built again; the caller's random state is left alone."""
    folder = miniatures / f"flux2-{kind}"
    state = torch.get_rng_state()
    again = write(tmp_path / "again", kind)
    assert torch.equal(torch.get_rng_state(), state)
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert sum((folder / file).stat().st_size for file in files) < 1_400_000
    assert missing_parts(folder) == []
    assert all((folder / file).read_bytes() == (again / file).read_bytes() for file in files)


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="torchvision is installed here")
def test_dev_loads_without_torchvision(miniatures: Path, tmp_path: Path) -> None:
    """A folder that names PixtralProcessor, as the public one does, loads by its bare tokenizer: same pixels."""
    folder = shutil.copytree(miniatures / "flux2-dev", tmp_path / "dev")
    index = json.loads((folder / "model_index.json").read_text())
    index["tokenizer"] = ["transformers", "PixtralProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    as_published = Engine.load(resolve(str(folder)), device="cpu")
    bare = Engine.load(resolve(str(miniatures / "flux2-dev")), device="cpu")
    request = ask(bare, "dev")
    assert generate(as_published, request).images[0].tobytes() == generate(bare, request).images[0].tobytes()
