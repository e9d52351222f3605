"""What a server adds to the operator's screens, and what happens where a screen cannot judge."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from flux2.errors import OutOfMemory, ScreeningRefused
from flux2.screening.policy import Levels, Policy
from flux2.screening.port import Screening
from flux2.screening.rules import Rules

PICTURE = Image.new("RGB", (8, 8))


class Says:
    """A scorer and a question with one answer for everything."""

    sees = True

    def __init__(self, said: Any) -> None:
        self.said = said

    def score(self, _: object) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    of_prompt = of_image = objection = score


@pytest.mark.parametrize(
    ("operator", "policy", "refuse", "hide"),
    [
        (Levels(), Policy(), 0.85, None),
        (Levels(hide=0.5), Policy(refuse_above=0.4, hide_above=0.2), 0.4, 0.2),
        (Levels(hide=0.5), Policy(refuse_above=0.95, hide_above=0.7), 0.85, 0.5),
        (Levels(refuse_age_restricted=0.97), Policy(), 0.85, None),
        (Levels(refuse_age_restricted=0.97), Policy(is_age_restricted=True), 0.97, None),
        (Levels(refuse_age_restricted=0.97), Policy(is_age_restricted=True, refuse_above=0.9), 0.9, None),
        (Levels(), Policy(is_age_restricted=True, refuse_above=0.95), 0.85, None),
    ],
)
def test_a_server_only_tightens(operator: Levels, policy: Policy, refuse: float, hide: float | None) -> None:
    """The lower figure holds; only the operator's own is another one in age-restricted channels."""
    found = operator.under(policy)
    assert (found.refuse, found.hide) == (refuse, hide)


def test_a_servers_words_add_to_the_operators() -> None:
    """Both are refused under the policy, in any disguise; without it the operator's alone."""
    screening = Screening(prompts=(Rules(["gore"]),))
    under = screening.under(Policy(deny=("spider",)))
    for prompt in ("gore", "a sp1der"):
        with pytest.raises(ScreeningRefused):
            under.check_prompt(prompt)
    screening.check_prompt("a spider")


@pytest.mark.parametrize(
    ("drawn", "here", "covered"),
    [
        (Policy(), Policy(), True),
        (Policy(deny=("a", "b"), refuse_above=0.3), Policy(deny=("b",), refuse_above=0.4), True),
        (Policy(), Policy(deny=("b",)), False),
        (Policy(refuse_above=0.5), Policy(refuse_above=0.4), False),
        (Policy(), Policy(hide_above=0.4), False),
        (Policy(), Policy(asks=True), False),
        (Policy(asks=True), Policy(), True),
        (Policy(is_age_restricted=True), Policy(), False),
        (Policy(), Policy(is_age_restricted=True), True),
    ],
)
def test_what_was_drawn_elsewhere_was_judged_as_strictly_or_not(drawn: Policy, here: Policy, covered: bool) -> None:
    """By every word, figure and question of the place it is shown in."""
    assert drawn.covers(here) is covered


@pytest.mark.parametrize("broken", [OSError("gone"), ValueError("odd"), RuntimeError("shapes")])
def test_what_cannot_be_judged_is_refused_unless_the_operator_says_otherwise(broken: Exception) -> None:
    """Score, question and a score that is no number alike; hidden too; FAIL_OPEN lets the first two pass."""
    for closed in (Screening(scorer=Says(broken)), Screening(question=Says(broken), asks=True)):
        with pytest.raises(ScreeningRefused, match="the result was refused because it could not be checked"):
            closed.check_image(PICTURE, "result")
    with pytest.raises(ScreeningRefused, match="may show"):
        Screening(scorer=Says(float("nan"))).check_image(PICTURE, "result")
    Screening(scorer=Says(broken), fails_open=True).check_image(PICTURE, "result")
    assert Screening(scorer=Says(broken), levels=Levels(hide=0.5), fails_open=True).hides(PICTURE)


@pytest.mark.parametrize("loss", [OutOfMemory("big"), RuntimeError("CUDA error: device-side assert")])
def test_a_loss_of_the_device_is_not_taken_for_a_judgement(loss: Exception) -> None:
    """It goes on to whoever has to end the process or say that memory ran out; nothing passes either way."""
    with pytest.raises(type(loss)):
        Screening(scorer=Says(loss), fails_open=True).check_image(PICTURE, "result")


def test_a_question_nobody_can_answer_refuses() -> None:
    """A server that wants to have a model asked gets no picture from one that cannot be; others do."""
    screening = Screening()
    for check, what in ((screening.under(Policy(asks=True)).check_prompt, "x"),):
        with pytest.raises(ScreeningRefused, match="this server has a model look at it first"):
            check(what)
    with pytest.raises(ScreeningRefused):
        screening.under(Policy(asks=True)).check_image(PICTURE, "result")
    screening.check_prompt("x")
    screening.under(Policy(asks=True).without_question()).check_prompt("x")
