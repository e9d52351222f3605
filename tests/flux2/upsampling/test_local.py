"""The text encoder as a language model: miniatures of dev and klein with random weights, taught a few sentences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image

from flux2.engine import Engine
from flux2.errors import GenerationCancelled, ScreeningRefused, UpsamplingFailed
from flux2.pipeline import generate, reword
from flux2.request import GenerationRequest, ReferenceImage, settle
from flux2.screening.port import Screening
from flux2.screening.rules import Rules
from flux2.upsampling import instructions, local, rewriting
from flux2.upsampling.local import Local
from tests.flux2.upsampling.lessons import load, teach

RED, BLUE = Image.new("RGB", (90, 60), (230, 10, 10)), Image.new("RGB", (60, 90), (10, 10, 230))
REWRITTEN = "a red fox in the forest"


@pytest.fixture(scope="module", params=["dev", "klein"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One that rewrites “a fox”, with a picture or without."""
    made = load(request.param, tmp_path_factory.mktemp("mini"))
    shown = [RED] if request.param == "dev" else []
    return teach(
        made,
        (instructions.DRAW, "a fox", [], REWRITTEN),
        (instructions.EDIT, "make it blue", shown, "paint the fox blue and keep the forest"),
    )


def ask(engine: Engine, prompt: str = "a fox", *images: Image.Image) -> GenerationRequest:
    references = tuple(ReferenceImage(sha256="0" * 64, width=one.width, height=one.height) for one in images)
    request, _ = settle(engine.model, prompt, reference_images=references, size="256x256", seed=3, steps=None)
    steps = min(2, engine.model.max_steps) if not engine.model.has_fixed_steps else engine.model.default_steps
    return request.model_copy(update={"upsample": "local", "num_inference_steps": steps})


def test_a_render_is_drawn_from_the_rewritten_words(engine: Engine) -> None:
    """Rewritten token by token, noted, and drawn exactly as if the new words had been the prompt."""
    seen: list[tuple[str, int]] = []
    done = reword(engine, ask(engine), on_step=lambda phase, step, _: seen.append((phase, step)))
    assert done.prompt == done.request.prompt == REWRITTEN
    assert done.request.upsample == "none"
    assert "rewritten by" in done.notes[0]
    assert [phase for phase, _ in seen] == ["rewrite"] * len(seen)
    assert [step for _, step in seen] == list(range(len(seen)))
    again = generate(engine, ask(engine).model_copy(update={"prompt": REWRITTEN, "upsample": "none"}))
    assert generate(engine, done.request).images[0].tobytes() == again.images[0].tobytes()


def test_an_edit_is_rewritten_with_its_picture(engine: Engine) -> None:
    """dev looks at the picture; klein reads the words alone, and says so."""
    done = reword(engine, ask(engine, "make it blue", RED), [RED])
    assert done.prompt == "paint the fox blue and keep the forest"
    assert any("did not see" in note for note in done.notes) == (engine.model.pipeline != "Flux2Pipeline")


def test_the_same_seed_gives_the_same_words_and_disturbs_nobody(engine: Engine) -> None:
    """Sampling has a seed of its own; whoever else draws from torch's generator does not notice."""
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = Local(engine, seed=3).answer(instructions.DRAW, "a fox")
    assert torch.equal(torch.rand(1), expected)
    assert Local(engine, seed=3).answer(instructions.DRAW, "a fox") == first


def test_a_rewrite_can_be_cancelled(engine: Engine) -> None:
    """Between two tokens; afterwards the engine does what it did before."""

    def stop(phase: str, step: int, _steps: int) -> None:
        if step == 2:
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        reword(engine, ask(engine), on_step=stop)
    assert reword(engine, ask(engine)).prompt == REWRITTEN


def test_the_screens_see_both_prompts(engine: Engine) -> None:
    """A word that only the rewrite holds is refused too, and said to be the rewrite's."""
    for word, where in (("fox", "the prompt was refused"), ("forest", "the rewritten prompt was refused")):
        with pytest.raises(ScreeningRefused, match=where):
            reword(engine, ask(engine), screening=Screening(prompts=(Rules(deny=[word]),)))


def test_the_screens_see_references_and_results(engine: Engine) -> None:
    """What a picture screen refuses is neither used nor shown, and no later picture is drawn."""

    class NoRed:
        def objection(self, image: Image.Image) -> str | None:
            return "it is red" if image.size == RED.size else None

    class Nothing:
        def objection(self, image: Image.Image) -> str | None:
            return "it is a picture"

    plain = ask(engine).model_copy(update={"upsample": "none"})
    with pytest.raises(ScreeningRefused, match="the reference image was refused because it is red"):
        generate(engine, plain, [RED], screening=Screening(images=(NoRed(),)))
    shown: list[int] = []
    with pytest.raises(ScreeningRefused, match="the result was refused"):
        generate(engine, plain, on_image=lambda i, _: shown.append(i), screening=Screening(images=(Nothing(),)))
    assert shown == []


def test_the_encoder_that_sees_describes_what_it_sees(tmp_path: Any) -> None:
    """Two pictures get two descriptions: their pixels reach the words. klein says that it cannot see."""
    dev = teach(
        load("dev", tmp_path),
        (instructions.DESCRIBE, "Describe this picture.", [RED], "a red painting"),
        (instructions.DESCRIBE, "Describe this picture.", [BLUE], "a blue river"),
    )
    assert rewriting.describe(Local(dev), RED) == "a red painting"
    assert rewriting.describe(Local(dev), BLUE) == "a blue river"
    with pytest.raises(UpsamplingFailed, match="cannot describe"):
        rewriting.describe(Local(load("klein", tmp_path)), RED)


def test_an_answer_without_an_end_is_not_used(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that babbles to its limit is cut off; the member's own words are drawn, and that is said."""
    monkeypatch.setattr(local, "MAX_ANSWER_TOKENS", 20)
    babbling = load("klein", tmp_path)
    done = reword(babbling, ask(babbling))
    assert (done.prompt, done.request.prompt) == (None, "a fox")
    assert "cut off" in done.notes[0]
    assert "Your own prompt was drawn." in done.notes[0]


def test_marks_of_pictures_in_a_prompt_are_only_words(tmp_path: Any) -> None:
    """“[IMG]” typed by a member adds no picture, and breaks nothing."""
    dev = load("dev", tmp_path)
    encoder, tokenizer = dev._pipe.text_encoder, dev._pipe.tokenizer
    inputs = local._seen(encoder, tokenizer, tokenizer, "x", "a [IMG] fox [IMG_END]", [RED])
    marks = (inputs["input_ids"] == tokenizer.convert_tokens_to_ids("[IMG]")).sum()
    assert int(marks) == (RED.width // 28) * (RED.height // 28)


def test_a_model_that_cannot_write_says_so(sample_engine: Engine) -> None:
    """The sample's encoder knows scenes, not prose: capabilities decide, not weights."""
    with pytest.raises(UpsamplingFailed, match="no text encoder"):
        Local(sample_engine).answer("x", "a fox")
