"""flux2.prompting.styles and config/styles.toml."""

from pathlib import Path

import pytest

from flux2.errors import InvalidRequest
from flux2.models import REGISTRY
from flux2.prompting import styles
from flux2.prompting.scene import parse
from flux2.prompting.styles import Style, StylesUnreadable
from flux2.request import settle

SHIPPED = styles.read(Path(__file__).parents[3] / "config/styles.toml")
KLEIN = REGISTRY["klein-4b"]


def test_the_shipped_styles_are_the_promised_ones() -> None:
    """Five ways to photograph, each with its words, and four recipes with their sizes."""
    photography = {style.after for style in SHIPPED.values() if style.kind == "photography"}
    assert photography == {
        "close up photo, photorealistic",
        "2000s digicam style",
        "80s vintage photo",
        "shot on 35mm film, f/2.8, film grain",
        "picture taken from a vintage cellphone, selfie style",
    }
    assert {style.name: style.size for style in SHIPPED.values() if style.kind == "recipe"} == {
        "infographic": "1024x1344",
        "app-mock": "1024x1344",
        "comic": "1024x768",
        "sticker": "768x768",
    }
    assert all(style.before or style.after for style in SHIPPED.values())


def test_a_style_goes_around_the_words_and_brings_its_size() -> None:
    """The words are the member's, and so is the size where one is given or a reference gives the shape."""
    request, _ = settle(KLEIN, "a chubby cat.", style=SHIPPED["sticker"])
    assert request.prompt == f"A die-cut sticker of a chubby cat, {SHIPPED['sticker'].after}"
    assert (request.width, request.height) == (768, 768)
    assert settle(KLEIN, "a cat", style=SHIPPED["sticker"], size="1")[0].width == 1024
    assert settle(KLEIN, "a cat", style=SHIPPED["sticker"], aspect="16:9")[0].width > 1024


def test_a_model_that_draws_smaller_keeps_the_styles_shape() -> None:
    """A model with a lower cap draws a recipe in its own size, in the recipe's shape."""
    small = KLEIN.model_copy(update={"max_side": 512, "default_pixels": 256 * 256})
    request, _ = settle(small, "weather", style=SHIPPED["infographic"])
    assert request.width * request.height <= 256 * 256
    assert request.width / request.height == pytest.approx(1024 / 1344, abs=0.06)


def test_a_json_prompt_takes_the_style_in_its_own_field() -> None:
    """The JSON stays JSON."""
    request, _ = settle(KLEIN, '{"scene": "an arcade", "style": "neon"}', style=SHIPPED["vintage-80s"])
    assert parse(request.prompt)[0].style == "neon, 80s vintage photo"


def test_a_style_is_found_by_name_and_title() -> None:
    """What autocomplete shows and what a hand types both work; a slip is named."""
    assert styles.find(SHIPPED, " 80s Vintage Photo ").name == styles.find(SHIPPED, "VINTAGE-80S").name
    with pytest.raises(InvalidRequest, match="did you mean sticker"):
        styles.find(SHIPPED, "stiker")
    with pytest.raises(InvalidRequest, match="choose one of modern, digicam"):
        styles.find(SHIPPED, "zzz")


def test_suggestions_begin_with_what_was_typed() -> None:
    """A prefix comes before a word inside."""
    assert [style.name for style in styles.matching(SHIPPED, "vin")] == ["vintage-80s", "cellphone"]
    assert len(styles.matching(SHIPPED, "")) == len(SHIPPED)


@pytest.mark.parametrize("text", ["[x", "x = 3", "[x]\ntitle = 'X'", "[Big]\ntitle='B'\nkind='recipe'", "\x00"])
def test_a_broken_file_is_one_sentence(text: str, tmp_path: Path) -> None:
    """The operator reads which file and what to do."""
    file = tmp_path / "styles.toml"
    file.write_text(text)
    with pytest.raises(StylesUnreadable, match=r"^The styles in .*mend"):
        styles.read(file)
    with pytest.raises(StylesUnreadable):
        styles.read(tmp_path / "absent.toml")


def test_a_style_may_stand_before_only() -> None:
    """Nothing dangles where one side is empty."""
    assert Style(name="x", title="X", kind="recipe", before="A map of").apply(" Rome ") == "A map of Rome"
