"""Lists in prompts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.prompting.wildcards import MAX_VARIANTS, Variant, expand, has_lists


def test_each_combination_is_a_prompt_with_its_label() -> None:
    """The last list changes fastest, so that a sheet reads line by line."""
    assert expand("a {red|#1B6B6F} fox at {dawn|night}") == (
        Variant("a red fox at dawn", "red · dawn"),
        Variant("a red fox at night", "red · night"),
        Variant("a #1B6B6F fox at dawn", "#1B6B6F · dawn"),
        Variant("a #1B6B6F fox at night", "#1B6B6F · night"),
    )


def test_an_empty_choice_leaves_its_words_out() -> None:
    """With and without, side by side."""
    assert expand("a fox {in snow|} at night") == (
        Variant("a fox in snow at night", "in snow"),
        Variant("a fox at night", "–"),
    )


@pytest.mark.parametrize(
    "prompt", ["a fox", "set {a, b}", "a | b", "{}", '{"scene": "a | b", "style": "x"}', "{{a|b", "a|b}"]
)
def test_other_braces_stay(prompt: str) -> None:
    """Only a list with a bar is one; JSON prompts never are."""
    assert not has_lists(prompt)
    assert expand(prompt) == (Variant(prompt, ""),)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("{a|b|c|d} {e|f|g}", "The lists make 12 pictures, and 9 is the most; shorten them."),
        ("{red|blue|red} fox", "The list {red|blue|red} has the same words twice; leave one out."),
    ],
)
def test_impossible_lists_are_refused(prompt: str, words: str) -> None:
    """One sentence before anything is queued."""
    with pytest.raises(InvalidRequest) as refused:
        expand(prompt)
    assert str(refused.value) == words


@given(st.text(alphabet="ab{}| ", max_size=40))
def test_no_prompt_breaks_it(prompt: str) -> None:
    """Whatever braces are typed: a bounded number of different prompts without lists, or a refusal."""
    try:
        variants = expand(prompt)
    except InvalidRequest:
        return
    assert 1 <= len(variants) <= MAX_VARIANTS
    assert len({variant.label for variant in variants}) == len(variants)
