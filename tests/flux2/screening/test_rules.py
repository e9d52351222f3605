"""Phrases that may not be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.errors import CheckpointUnavailable, ScreeningRefused
from flux2.screening.port import NOTHING, Screening
from flux2.screening.rules import Rules, read

RULES = Rules(deny=["gore", "john doe"], allow=["gore-tex"])


@pytest.mark.parametrize(
    "prompt",
    [
        "gore",
        "a street full of GORE.",
        "g\u200bore on the wall",
        "ｇｏｒｅ",
        "göré",
        "g0re",
        "John\nDoe at lunch",
        "john_doe",
        "a gore-tex jacket, then gore",
        "a g.o.r.e",
        "ɢᴏʀᴇ",
        "🅶🅾🆁🅴",
        "🅖🅞🅡🅔",
        "🇬🇴🇷🇪",
        "g⃝o⃝r⃝e⃝",
        "9or€",
    ],
)
def test_a_denied_phrase_is_found_in_every_disguise(prompt: str) -> None:
    """Case, width, accents, hidden characters, look-alikes and odd gaps do not hide a phrase."""
    assert RULES.objection(prompt) is not None


@pytest.mark.parametrize("prompt", ["可愛いロリの絵", "ﾛﾘ", "귀여운 누드를 그려줘", "starożytna golizna"])
def test_scripts_without_spaces_have_no_words_to_be_whole(prompt: str) -> None:
    """What is denied there is found inside other letters; accents and half-width letters hide nothing."""
    assert Rules(["nobody", "ロリ", "누드", "golizna"]).objection(prompt) is not None


@pytest.mark.parametrize("prompt", ["a gore-tex jacket", "gorel the dog", "forego re-entry", "john and doe", "", "🦊"])
def test_what_only_looks_alike_passes(prompt: str) -> None:
    """Whole words only, and an allowed phrase takes its denied part along."""
    assert RULES.objection(prompt) is None


@given(before=st.text(max_size=30), after=st.text(max_size=30))
def test_no_surroundings_hide_a_phrase(before: str, after: str) -> None:
    """A denied phrase between spaces is found whatever stands around it, unless that makes it an allowed one."""
    assert Rules(deny=["gore"]).objection(f"{before} gore {after}") is not None


def test_the_refusal_says_which_prompt_and_why() -> None:
    """The original and the rewritten prompt are told apart in the sentence."""
    screening = Screening(prompts=(RULES,))
    with pytest.raises(ScreeningRefused, match="rewritten prompt was refused because “gore” is not"):
        screening.check_prompt("gore", "rewritten prompt")
    screening.check_prompt("a fox")
    NOTHING.check_prompt("gore")


def test_a_screen_that_breaks_refuses() -> None:
    """Fail closed: what a screen cannot judge does not pass."""

    class Broken:
        def objection(self, prompt: str) -> str | None:
            raise OSError(prompt)

    with pytest.raises(ScreeningRefused, match="could not be checked"):
        Screening(prompts=(Broken(),)).check_prompt("a fox")


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    """The operator's TOML file; whatever else stands in it is an error, since it would protect nobody."""
    file = tmp_path / "rules.toml"
    file.write_text('deny = ["gore"]\nallow = ["gore-tex"]\n')
    assert read(file).objection("gore") is not None
    assert read(file).objection("gore-tex") is None
    file.write_text('[[together]]\nwords = ["naked"]\nbeside = ["child", "kid"]\n')
    assert read(file).objection("a kid, NAKED") == "“naked” together with “kid” is not allowed here"
    assert read(file).objection("a naked tree") is None
    pairs = ('[[together]]\nwords = ["naked"]', '[together]\nwords = ["a"]\nbeside = ["b"]')
    for wrong in (*pairs, 'deni = ["gore"]', 'deny = "gore"', "deny = [1]", 'deny = [""]', "deny = ["):
        file.write_text(wrong)
        with pytest.raises(CheckpointUnavailable):
            read(file)
    with pytest.raises(CheckpointUnavailable):
        read(tmp_path / "absent.toml")
