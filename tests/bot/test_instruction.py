"""Which replies are instructions."""

import pytest

from bot.interactions.custom_id import Verb, custom_id, parse
from bot.interactions.reply import instruction_in


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nice",
        "wow!!!",
        "😀 😀",
        "<:fox:123456789012345678> lovely",
        "<@123456789012345678> nice",
        "👍🏽 ❤️ 🎉",
        "🇩🇪 🇫🇷",
        "... !!",
    ],
)
def test_talk_is_ignored(content: str) -> None:
    """Fewer than two words, or only emoji, is talk about a picture and not an instruction."""
    assert instruction_in(content) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("make it blue", "make it blue"),
        ("<@123456789012345678>  add\na hat 🎩", "add a hat 🎩"),
        ("plus bleu", "plus bleu"),
        ("把它变成蓝色", "把它变成蓝色"),
        ("青くして", "青くして"),
        ("сделай синим", "сделай синим"),
    ],
)
def test_two_words_are_an_instruction(content: str, words: str) -> None:
    """Two words of any script are taken, without the bot's own mention."""
    assert instruction_in(content) == words


@pytest.mark.parametrize("verb", Verb)
def test_custom_ids_are_read_back(verb: Verb) -> None:
    """What a button is given is what its press is understood as, within Discord's 100 characters."""
    text = custom_id(verb, "0123456789abcdef")
    assert parse(text) == (verb, "0123456789abcdef")
    assert len(text) <= 100


@pytest.mark.parametrize(
    "text", ["", "flux2:v0:again:0123456789abcdef", "flux2:v1:again:xyz", "flux2:v1:paint:0123456789abcdef"]
)
def test_foreign_ids_are_told_apart(text: str) -> None:
    """An id of another version or maker is nobody's."""
    assert parse(text) is None
