"""flux2.prompting.negatives: refused, with positive words offered."""

import pytest

from flux2.prompting.negatives import NegativePrompt, refuse_text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "portrait, --no text, --no extra fingers",
            "FLUX.2 takes no negative prompts; describe what is there instead, for example: “portrait, clean, "
            "unlettered surfaces, natural hands at rest”.",
        ),
        (
            "landscape, —no people",
            "FLUX.2 takes no negative prompts; describe what is there instead, for example: “landscape, a deserted, "
            "untouched place”.",
        ),
        (
            "a kitchen\nNegative prompt: spoons, blurry",
            "FLUX.2 takes no negative prompts; leave out “spoons” and describe what is there instead, for example: "
            "“a kitchen, everything in sharp focus”.",
        ),
        (
            "a fox --negative=spoons",
            "FLUX.2 takes no negative prompts; leave out “spoons” and describe what is there instead.",
        ),
    ],
)
def test_each_spelling_is_refused_with_positive_words(typed: str, sentence: str) -> None:
    """Known wishes are turned round, unknown ones named."""
    with pytest.raises(NegativePrompt) as refused:
        refuse_text(typed)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "typed",
    ["a street without people", "a sign reading “--no parking”", "no one at the well-known pier", "a film negative"],
)
def test_plain_sentences_pass(typed: str) -> None:
    """Only the negative-prompt syntax is refused; words in quotes are lettering."""
    refuse_text(typed)


def test_what_is_offered_is_taken() -> None:
    """The rewrite holds no negative prompt itself."""
    with pytest.raises(NegativePrompt) as refused:
        refuse_text("a fox --no text --no cars negative prompt: blurry, ugly")
    refuse_text(refused.value.positive)
    assert refused.value.positive.startswith("a fox, ")
