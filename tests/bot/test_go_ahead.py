"""The question before many pictures."""

from __future__ import annotations

from bot.interactions import go_ahead
from bot.presenter import MAX_CONTENT
from flux2.models import REGISTRY
from flux2.request import settle


def test_the_longest_lists_fit_into_the_question_and_mention_nobody() -> None:
    """Everybody reads it under a reply; nine pictures are told apart by the beginnings of their words."""
    words = "|".join(f"{number}<@5>{'*' * 600}" for number in range(9))
    request, _notes = settle(REGISTRY["klein-4b"], f"a {{{words}}}")
    said = go_ahead._question(request, 60.0, "Left for today: nothing.")
    assert len(said) <= MAX_CONTENT
    assert "8" in said
    assert "\\<@5>" in said
