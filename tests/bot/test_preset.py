"""Presets, preferences and casts as values."""

from __future__ import annotations

import pytest

from bot.options import Options
from bot.preset import Preferences, Preset, Scene, is_name, named_in, stage
from flux2.errors import InvalidRequest
from flux2.prompting.styles import Style
from flux2.request import ReferenceImage


def picture(digit: str) -> ReferenceImage:
    """A picture known by one digit."""
    return ReferenceImage(sha256=digit * 64, width=64, height=64)


LUNA = Preset(name="luna", pictures=(picture("1"), picture("2")))
HAT = Preset(name="red-hat", pictures=(picture("3"),))
NOIR = Preset(name="noir", suffix="in black and white")
STYLES = {"ink": Style(name="ink", title="Ink", kind="photography", after="ink drawing")}
CAST = {preset.name: preset for preset in (LUNA, HAT, NOIR)}


def test_a_cast_is_called_by_its_numbers_after_the_members_own_pictures() -> None:
    """Each name becomes the numbers its pictures have, in the order of its first mention; capitals do not matter."""
    scene = stage("@Red-Hat on @luna, and again @luna", CAST, (picture("9"),))
    assert scene == Scene(
        "image 2 on images 3 and 4, and again images 3 and 4",
        (picture("9"), picture("3"), picture("1"), picture("2")),
        ("@red-hat is image 2.", "@luna is images 3 and 4."),
    )


@pytest.mark.parametrize("prompt", ["write me@luna.org", "<@123> waves", "@nobody waves", "@noir waves", "a fox"])
def test_other_words_stay_as_they_were(prompt: str) -> None:
    """Mail addresses, mentions, unknown names and presets without pictures are no cast."""
    assert stage(prompt, CAST, ()) == Scene(prompt, ())


def test_names_are_found_once_each() -> None:
    """The ledger is asked for every name once, in lower case."""
    assert named_in("@Luna and @luna meet @max; a@b.c") == ("luna", "max")


def test_what_was_asked_goes_before_what_was_kept() -> None:
    """A preset or preference fills what was left out and nothing else."""
    kept = Preferences(model="dev", aspect="16:9", output_quality=50)
    assert kept.under(Options(prompt="x", aspect="1:1"), STYLES) == Options(
        prompt="x", aspect="1:1", model="dev", output_quality=50
    )


def test_a_preferred_shape_yields_to_a_size_in_pixels() -> None:
    """Width and height say their own shape, so a preferred aspect beside them would only be refused."""
    assert Preferences(aspect="16:9").under(Options(prompt="x", size="640x480"), STYLES).aspect is None
    assert Preferences(aspect="16:9").under(Options(prompt="x", size="1"), STYLES).aspect == "16:9"


def test_a_prompt_stands_between_prefix_and_suffix() -> None:
    """Empty sides leave no blanks."""
    assert Preset(name="p", prefix=" a photo of ", suffix="").around(" a fox ") == "a photo of a fox"
    assert NOIR.around("a fox") == "a fox in black and white"


def test_a_preference_of_an_older_version_is_still_read() -> None:
    """What is no longer known is passed over."""
    assert Preferences.model_validate({"model": "dev", "gone": 1}) == Preferences(model="dev")


@pytest.mark.parametrize(("text", "good"), [("film-noir", True), ("a", True), ("", False), ("Ä", False), ("-a", False)])
def test_names_are_plain(text: str, good: bool) -> None:
    """A name can be written after an @ without quotes."""
    assert is_name(text) is good
    assert not is_name("a" * 33)


def test_a_style_is_kept_by_its_name() -> None:
    """Its words are those of today; a style that is gone is refused in one sentence."""
    assert Preferences(style="ink").under(Options(prompt="x"), STYLES).style == STYLES["ink"]
    with pytest.raises(InvalidRequest, match="no style called"):
        Preferences(style="gone").under(Options(prompt="x"), STYLES)


def test_words_around_a_json_prompt_go_into_its_style() -> None:
    """Put before and after the braces they would make it plain text."""
    both = Preset(name="x", prefix="ink", suffix="wide margins")
    assert (
        both.around('{"scene": "a pier", "style": "calm"}') == '{"scene": "a pier", "style": "calm, ink, wide margins"}'
    )
    assert NOIR.around('{"scene": "a pier"}') == '{"scene": "a pier", "style": "in black and white"}'
    assert LUNA.around('{"scene": "a pier"}') == '{"scene": "a pier"}'
    assert both.around(" a pier ") == "ink a pier wide margins"
