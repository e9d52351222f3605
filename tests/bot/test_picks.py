"""“image 2” in the words of an edit."""

from __future__ import annotations

import pytest

from bot.picks import pick
from flux2.errors import InvalidRequest


@pytest.mark.parametrize(
    ("words", "shown", "extra", "numbers", "told"),
    [
        ("make it blue", 1, 0, (1,), "make it blue"),
        ("the hat of image 2 on it", 1, 1, (1,), "the hat of image 2 on it"),
        ("make it blue", 4, 0, (1,), "make it blue"),
        ("make image 3 blue", 4, 0, (3,), "make image 1 blue"),
        ("the second one in blue", 4, 0, (2,), "image 1 in blue"),
        ("the hat of image 4 on the fox of image 2", 4, 0, (2, 4), "the hat of image 2 on the fox of image 1"),
        ("image 3 with the hat of image 5", 4, 1, (3,), "image 1 with the hat of image 2"),
        ("add the hat of image 5", 4, 1, (1,), "add the hat of image 2"),
        ("write “image 3” on it", 4, 0, (1,), "write “image 3” on it"),
    ],
)
def test_the_named_pictures_are_picked(words: str, shown: int, extra: int, numbers: tuple[int, ...], told: str) -> None:
    """The member's numbers become the model's; unnamed, the first is meant."""
    found = pick(words, shown, extra)
    assert (found.numbers, found.instruction) == (numbers, told)


def test_what_was_picked_is_said() -> None:
    """One, several, or the first for want of a name; nothing without a choice."""
    assert pick("make it blue", 1).notes == ()
    assert pick("make it blue", 4).notes == ("The first of the 4 pictures was edited; say “image 2” to pick another.",)
    assert pick("image 1 in blue", 4).notes == ("Image 1 of the 4 pictures was edited.",)
    assert pick("image 2 in blue", 4).notes == ("Image 2 of the 4 pictures was edited.",)
    assert pick("images 1, 2 and 4", 4).notes == ("Images 1, 2 and 4 of the 4 pictures were taken together.",)


def test_a_picture_that_is_not_there_is_refused_by_the_members_count() -> None:
    """The sentence counts the message's pictures and the files of the reply."""
    with pytest.raises(InvalidRequest, match="image 7, but there are only images 1 to 5"):
        pick("image 7 in blue", 4, 1)


def test_what_is_picked_otherwise_comes_before_what_is_named() -> None:
    """A choice in a form: it is edited, and the words speak of the others."""
    found = pick("the hat of image 1 on image 3", 4, first=3)
    assert (found.numbers, found.instruction) == ((3, 1), "the hat of image 2 on image 1")
    found = pick("make it blue", 4, first=2)
    assert (found.numbers, found.instruction) == ((2,), "make it blue")
    assert found.notes == ("Image 2 of the 4 pictures was edited.",)
    assert pick("make it blue", 1, first=1).notes == ()
