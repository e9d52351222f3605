"""flux2.prompting.wording: from what was typed to what the model gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import InvalidRequest
from flux2.models import REGISTRY
from flux2.prompting.colours import Swatch
from flux2.prompting.wording import plain_words, swatches, word
from flux2.request import settle

KLEIN = REGISTRY["klein-4b"]


@pytest.mark.parametrize(
    "prompt",
    [
        "Un marché alimentaire dans la campagne normande, des marchands vendent divers légumes. Lever de soleil",
        "서울 도심의 옥상 정원, 저녁 노을이 지는 하늘 아래에서 사람들이 작은 등불을 켜고 있다",
        "سوق قديم في القاهرة عند الغروب، أضواء دافئة",
        "🦊 in the ❄️ by 「夜」 — “Bonjour ! 안녕”",
    ],
)
def test_every_language_passes_untouched(prompt: str) -> None:
    """French, Korean, Arabic, emoji: character by character what was typed."""
    request, notes = settle(KLEIN, prompt)
    assert request.prompt == prompt
    assert notes == ()


def test_colours_in_json_are_spelled_in_place() -> None:
    """Palettes keep their words, other texts get the keyword, keys stay."""
    worded = word(
        '{"scene": "a #f00 room", "color_palette": ["navy #02eb3c"], "subjects": [{"color_palette": ["#abc"]}]}'
    )
    assert worded.text == (
        '{"scene": "a color #FF0000 room", "subjects": [{"color_palette": ["#AABBCC"]}], '
        '"color_palette": ["navy #02EB3C"]}'
    )
    assert swatches(worded.text) == (Swatch("#FF0000"), Swatch("#AABBCC"), Swatch("#02EB3C"))


def test_a_json_prompt_has_plain_words() -> None:
    """Titles and screen readers get the scene instead of braces."""
    assert plain_words('{"scene": "a pier", "mood": "calm"}') == "a pier"
    assert plain_words("a pier") == "a pier"


@given(st.text(max_size=80) | st.from_regex(r"\{\"scene\": \"[a-z #0-9]{0,20}\"\}", fullmatch=True))
def test_wording_twice_is_wording_once(prompt: str) -> None:
    """Edit and presets word what was worded before."""
    try:
        once = word(prompt)
    except InvalidRequest:
        return
    assert word(once.text).text == once.text
