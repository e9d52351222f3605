"""flux2.prompting.colours: hex codes and gradients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux2.prompting.colours import Swatch, normalise, rgb, spell, swatches

CODE = st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True)
WORDS = st.lists(
    st.sampled_from(
        [
            "a sofa",
            "in color",
            "hex",
            "gradient",
            "from",
            "to",
            "and",
            ",",
            "→",
            "'",
            '"',
            "colors",
            "#fff",
            "#100",
            "wall.",
        ]
    )
    | CODE,
    max_size=12,
).map(" ".join)


@pytest.mark.parametrize(
    ("typed", "worded"),
    [
        ("a sofa in color #2e4057 and pillows in hex #E8AA14", "a sofa in color #2E4057 and pillows in hex #E8AA14"),
        ("a #F00 car", "a color #FF0000 car"),
        ("a wall in hex e8aa14", "a wall in hex #E8AA14"),
        ("a red sofa, #112233", "a red sofa, color #112233"),
        ("colors #fff, #000 and #123456", "colors #FFFFFF, #000000 and #123456"),
        ("un canapé de couleur #abcdef", "un canapé de couleur #ABCDEF"),
        (
            "the color is a gradient starting with #02eb3c and finishing with #edfa3c",
            "the color is a gradient starting with #02EB3C and finishing with #EDFA3C",
        ),
        ("a gradient from #02eb3c to #edfa3c", "a color gradient starting with #02EB3C and finishing with #EDFA3C"),
        ("gradient sky #112233 → #445566", "color gradient sky starting with #112233 and finishing with #445566"),
        ("a #112233 to #445566 gradient", "a color gradient starting with #112233 and finishing with #445566"),
    ],
)
def test_codes_are_spelled_alike_behind_a_keyword(typed: str, worded: str) -> None:
    """Six capitals after "color" or "hex"; a gradient by its first and its last code."""
    assert normalise(typed) == worded


@pytest.mark.parametrize(
    "typed",
    [
        "issue #100 and #fab",
        "a sign reading '#ff0000'",
        "the words “#FF0000” in neon",
        "a#ff0000",
        "#ff0000ff",
        "&#123456;",
    ],
)
def test_what_is_no_colour_stays(typed: str) -> None:
    """Numbers, hashtags, lettering in quotes and parts of longer words are left alone, and shown in no swatch."""
    assert normalise(typed) == typed
    assert swatches(typed) == ()


@given(WORDS)
def test_doing_it_again_changes_nothing(typed: str) -> None:
    """A worded prompt can be worded again, as Edit does."""
    once = normalise(typed)
    assert normalise(once) == once
    assert swatches(once) == swatches(typed)


@given(CODE, CODE)
def test_every_code_is_found_with_its_colour(one: str, two: str) -> None:
    """What is shown is what was asked, in order and once."""
    found = swatches(f"a ball in color {one} on a floor in hex {two}")
    assert found == tuple(dict.fromkeys((Swatch(one.upper()), Swatch(two.upper()))))
    assert rgb(found[0].code) == tuple(bytes.fromhex(one[1:]))


def test_swatches_know_gradients_and_have_an_end() -> None:
    """A gradient is one swatch, and a prompt full of codes shows sixteen."""
    assert swatches("gradient from #02eb3c to #edfa3c, a #fff vase") == (
        Swatch("#02EB3C", "#EDFA3C"),
        Swatch("#FFFFFF"),
    )
    assert len(swatches(" ".join(f"#{i:06x}" for i in range(100)))) == 16


def test_a_palette_keeps_its_words() -> None:
    """Behind a key that says colour, a code needs no keyword."""
    assert spell("matte black #1a2b3c") == "matte black #1A2B3C"
