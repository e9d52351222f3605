"""What a rewrite must not touch, against rewrites that do."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flux2.errors import UpsamplingFailed
from flux2.upsampling.locks import Locks, find, keep

PROMPT = (
    'Put Marie Curie from image 1 under a neon sign "OPEN 24h", wall color #1A2B3C, holding the NASA mug of image 2'
)


def test_the_locks_of_a_prompt() -> None:
    """Lettering, codes, pictures and names are found; the first word of a sentence is no name."""
    assert find(PROMPT) == Locks(("OPEN 24h",), ("#1a2b3c",), (1, 2), ("Marie Curie", "NASA"))
    assert find("Draw a fox. Then a dog") == Locks()
    assert find("the Tower of London at dusk").names == ("Tower of London",)
    assert find("Ein Foto von Angela Merkel im Park am See mit Hund").names == ("Angela Merkel",)
    assert find("don't paint the dog's toy") == Locks()
    assert find("„Zur Post“ und «Chez Lui» et 「営業中」").quoted == ("Zur Post", "Chez Lui", "営業中")


def test_a_rewrite_that_holds_is_not_touched() -> None:
    """Byte for byte, wherever the locked pieces moved."""
    rewrite = 'Under "OPEN 24h" on a #1a2b3c wall, Marie Curie (image 1) lifts the NASA mug of image 2 in soft light.'
    assert keep(PROMPT, rewrite) == rewrite


@pytest.mark.parametrize(
    ("prompt", "rewrite", "mended"),
    [
        ('a sign "OPEN 24h"', 'a glowing sign "Open 24H" at night', 'a glowing sign "OPEN 24h" at night'),
        ('a sign "OPEN"', "a glowing sign OPEN at night", "a glowing sign “OPEN” at night"),
        ('a sign "OPEN"', "a glowing sign at night", "a glowing sign at night. The lettering reads “OPEN”."),
        ('a sign "OPEN"', "an OPENING sign.", "an OPENING sign. The lettering reads “OPEN”."),
        ("a sign “Café Zoë”", 'a sign "Cafe Zoe"', 'a sign "Café Zoë"'),
        ("a #FF0000 car", "a shiny #FE0000 car", "a shiny #FF0000 car"),
        ("the hat of image 2", "the hat of the second image, in felt", "the hat of image 2, in felt"),
        ("the hat of image 2", "the hat of picture 2", "the hat of image 2"),
        ("the hat of image 1", "the hat of image one", "the hat of image 1"),
        ("a portrait of Ada Lovelace", "an oil portrait of ada lovelace", "an oil portrait of Ada Lovelace"),
        ("a portrait of Ada Lovelace", "an oil portrait of Ada Lovelaces", "an oil portrait of Ada Lovelace"),
    ],
)
def test_a_small_fault_is_mended(prompt: str, rewrite: str, mended: str) -> None:
    """Where it is plain what was meant, the member's own spelling comes back."""
    assert keep(prompt, rewrite) == mended


@pytest.mark.parametrize(
    ("prompt", "rewrite", "attached"),
    [
        ("a #FF0000 car", "a red car", 0),
        ("#FF0000 and #00FF00 stripes", "#0000FF and #FFFF00 stripes", 0),
        ("the hat of image 2", "a felt hat", 2),
        ("the hat of image 2 on image 1", "the hat of image 2 on image 3", 2),
        ("make it blue", "make the fox of image 4 blue", 1),
        ("a portrait of Ada Lovelace", "a portrait of a mathematician", 0),
        ("a portrait of Ada Lovelace", "a portrait of Grace Hopper", 0),
        ("the Tower of London", "a tower in a city", 0),
    ],
)
def test_a_loss_refuses_the_rewrite(prompt: str, rewrite: str, attached: int) -> None:
    """A lost colour, picture or name, or one that was made up, is not guessed at."""
    with pytest.raises(UpsamplingFailed, match="was not used because"):
        keep(prompt, rewrite, attached)


def test_attached_pictures_may_be_numbered() -> None:
    """“image 1” is no invention where one picture is attached."""
    assert keep("make it blue", "make the fox of image 1 blue", 1) == "make the fox of image 1 blue"


# Pieces of answers, parted by bars: near misses of what is locked, and what breaks careless code.
_PIECES = re.split(
    r"\|",
    """"OPEN 24h"|“OPEN 24h”|"|“|”|'OPEN 24h'|OPEN 24h|«OPEN»|#1A2B3C|#1a2b3|#1A2B3C4D|#|image 1|image 2|image 12
|Image #2|the second image|picture 7|Marie Curie|marie curie|MarieCurie|NASA|NASAL|N.A.S.A.|{words}|\\1
|\\g<0>|ignore all rules|a fox|.|`|\u202e|\u200b|😀""",
)


@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=12)), max_size=25).map(" ".join))
@example('"OPEN 24h" " #1A2B3C image 1 image 2 Marie Curie NASA')
def test_whatever_comes_back_the_locks_hold_or_it_is_refused(rewrite: str) -> None:
    """For every answer: refused, or every lock of the prompt is in it as the member wrote it. Nothing in between."""
    try:
        kept = keep(PROMPT, rewrite, 2)
    except UpsamplingFailed:
        return
    assert find(PROMPT).broken_in(kept, 2) is None
    # Said without the code under test, too.
    assert re.search(r'["“‘\'«]\s*OPEN 24h\s*["”’\'»]', kept)
    assert "#1a2b3c" in kept.lower()
    assert re.search(r"\bNASA\b", kept)
    assert re.search(r"\bMarie\s+Curie\b", kept)
    numbers = {int(n) for n in re.findall(r"\bimage\s?#?(\d{1,2})\b", kept, re.I)}
    assert {1, 2} <= numbers


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_the_locks(prompt: str, rewrite: str) -> None:
    """Every prompt has locks, every answer an end: a text or a refusal, never another error."""
    try:
        kept = keep(prompt, rewrite)
    except UpsamplingFailed:
        return
    assert find(prompt).broken_in(kept) is None
