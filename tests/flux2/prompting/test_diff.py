"""What a rewrite changed, word by word."""

from hypothesis import given
from hypothesis import strategies as st

from flux2.prompting.diff import Change, words


def test_changes_stand_in_the_order_of_reading() -> None:
    """What was dropped stands before what came in its place; punctuation changes by itself."""
    assert words("a fox sat", "a red fox, sitting") == [
        Change("kept", "a"),
        Change("added", " red"),
        Change("kept", " fox"),
        Change("dropped", " sat"),
        Change("added", ", sitting"),
    ]


@given(st.text(max_size=60), st.text(max_size=60))
def test_nothing_is_lost(before: str, after: str) -> None:
    """Kept and added words are the new text, kept and dropped ones the old, but for spaces."""

    def joined(*kinds: str) -> str:
        return "".join("".join(change.text.split()) for change in words(before, after) if change.what in kinds)

    assert joined("kept", "added") == "".join(after.split())
    assert joined("kept", "dropped") == "".join(before.split())


def test_words_that_repeat_without_end_are_replaced_as_a_whole() -> None:
    """Compared piece by piece this pair takes minutes; what both begin and end with is still known as kept."""
    before, after = f"fox {'a b ' * 1400}end", f"fox {'b a c ' * 950}end"
    changed = words(before, after)
    assert [change.what for change in changed] == ["kept", "dropped", "added", "kept"]
    assert (changed[0].text, changed[-1].text) == ("fox", " end")
    assert [change.what for change in words(before, before + " now")] == ["kept", "added"]
