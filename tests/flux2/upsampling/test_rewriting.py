"""The story of a rewrite, with a language model that says what the test wants."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from PIL import Image

from flux2.errors import ScreeningRefused, UpsamplingFailed
from flux2.upsampling import instructions
from flux2.upsampling.rewriting import clean, describe, rewrite, rewrite_or_keep

PICTURE = Image.new("RGB", (8, 8))


class Says:
    """An upsampler with one answer."""

    name = "test"

    def __init__(self, answer: str | Exception, *, takes_images: bool = True) -> None:
        self._answer = answer
        self.takes_images = takes_images
        self.asked: list[tuple[str, str, int]] = []

    def answer(self, instruction: str, prompt: str, images: Sequence[Image.Image] = ()) -> str:
        self.asked.append((instruction, prompt, len(images)))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("  a red fox  ", "a red fox"),
        ('"a red fox"', "a red fox"),
        ("“a red fox”", "a red fox"),
        ('"OPEN" above a door marked "EXIT"', '"OPEN" above a door marked "EXIT"'),
        ("Here is the rewritten prompt:\n\na red fox", "a red fox"),
        ("**Prompt:** a red fox", "a red fox"),
        ("Prompt: a red fox", "a red fox"),
        ("```text\na red fox\n```", "a red fox"),
        ("<think>They want\na fox.</think>a red fox", "a red fox"),
        ("a red\nfox\x00 in\tgrass", "a red fox in grass"),
        ("a prompt engineer: at work", "a prompt engineer: at work"),
    ],
)
def test_wrapping_is_taken_off(answer: str, text: str) -> None:
    """Thoughts, labels, fences and quotes around an answer go; what belongs to it stays."""
    assert clean(answer) == text


@pytest.mark.parametrize("answer", ["", " \n", '""', "<think>for ever", "```\n```", "…"])
def test_an_empty_answer_is_none(answer: str) -> None:
    """An answer of nothing is a failure, not a prompt."""
    with pytest.raises(UpsamplingFailed, match="nothing"):
        clean(answer)


def test_pictures_decide_the_instruction() -> None:
    """With pictures it is an edit, without a drawing; who cannot see is not shown them, and that is said."""
    drawing, editing, blind = Says("a red fox"), Says("make it red"), Says("make it red", takes_images=False)
    assert rewrite(drawing, "fox").prompt == "a red fox"
    assert rewrite(editing, "red", [PICTURE]).notes == ()
    assert "did not see" in rewrite(blind, "red", [PICTURE]).notes[0]
    assert [one.asked[0] for one in (drawing, editing, blind)] == [
        (instructions.DRAW, "fox", 0),
        (instructions.EDIT, "red", 1),
        (instructions.EDIT, "red", 0),
    ]


def test_a_failure_keeps_the_prompt_and_says_so() -> None:
    """The member's own words are drawn, with the reason beside them."""
    kept = rewrite_or_keep(Says(UpsamplingFailed("The model is away.")), "a fox")
    assert (kept.prompt, kept.is_changed) == ("a fox", False)
    assert kept.notes == ("The model is away. Your own prompt was drawn.",)
    broken = rewrite_or_keep(Says("a shop"), "a #FF0000 shop")
    assert broken.prompt == "a #FF0000 shop"
    assert "#FF0000 was lost" in broken.notes[0]


def test_a_block_is_no_failure() -> None:
    """What moderation refused is not drawn from the member's own words instead."""
    with pytest.raises(ScreeningRefused):
        rewrite_or_keep(Says(ScreeningRefused("the prompt was refused.")), "a fox")


def test_an_endless_answer_is_not_used() -> None:
    """A prompt has a longest length, and a rewrite is a prompt."""
    with pytest.raises(UpsamplingFailed, match="characters"):
        rewrite(Says("fox " * 2000), "a fox")


def test_words_become_a_structured_prompt() -> None:
    """Text to JSON: the schema's keys in its order, around whatever chatter."""
    answer = 'Sure! ```json\n{"mood": "calm", "scene": "a meadow", "camera": {"f-number": "f/2.8", "ISO": 200}}\n```'
    done = rewrite(Says(answer), "a calm meadow", structured=True)
    assert json.loads(done.prompt) == {
        "scene": "a meadow", "mood": "calm", "camera": {"f-number": "f/2.8", "ISO": 200}
    }  # fmt: skip
    assert done.prompt.startswith('{"scene"')


def test_a_structured_prompt_stays_one() -> None:
    """JSON in, JSON out, and its locks hold inside its values."""
    prompt = '{"scene": "a shop with the sign \\"OPEN\\" in #FF0000"}'
    held = '{"scene": "a small shop at night, its sign \\"OPEN\\" in color #ff0000", "mood": "calm"}'
    assert json.loads(rewrite(Says(held), prompt).prompt)["mood"] == "calm"
    for broken in (held.replace("#ff0000", "red"), held.replace("OPEN", "SHUT"), "a small shop", "{", '{"scene": 3}'):
        with pytest.raises(UpsamplingFailed):
            rewrite(Says(broken), prompt)


def test_a_picture_is_described_by_who_can_see() -> None:
    """A description is one clean paragraph; a model that only reads says that it cannot."""
    eyes = Says("Description: a fox\nin grass")
    assert describe(eyes, PICTURE) == "a fox in grass"
    assert eyes.asked == [(instructions.DESCRIBE, "Describe this picture.", 1)]
    with pytest.raises(UpsamplingFailed, match="cannot describe"):
        describe(Says("a fox", takes_images=False), PICTURE)
