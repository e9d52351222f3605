"""Guessing a prompt's tokens."""

import pytest

from flux2.prompting.window import estimate


@pytest.mark.parametrize(
    ("prompt", "low", "high"),
    [
        ("a red fox", 25, 30),
        ("a red fox in tall grass " * 80, 400, 600),
        ('{"scene": "a fox"}', 30, 40),
        ("静かな森の中の赤い狐" * 60, 500, 700),
        ("", 20, 30),
    ],
)
def test_a_guess_is_of_the_right_size(prompt: str, low: int, high: int) -> None:
    """Words of every script, and marks; the chat around a prompt counts too."""
    assert low <= estimate(prompt) <= high
