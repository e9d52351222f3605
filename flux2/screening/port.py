"""What a screen is, and all screens of a worker together. Torch-free.

A screen looks at one prompt or one picture and either has nothing against it or gives a reason. Owns the rule that
what a screen cannot judge is refused. Declines to know policies: which screens there are is the operator's choice, and
`under` adds to them what a server wants for a job of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal, Protocol

from flux2 import errors
from flux2.errors import OutOfMemory, ScreeningRefused
from flux2.language import N_, _
from flux2.screening.policy import Levels, Policy
from flux2.screening.rules import Rules

if TYPE_CHECKING:
    from PIL import Image

_log = logging.getLogger(__name__)

Where = Literal["prompt", "rewritten prompt", "reference image", "result"]
"""What is looked at; the sentence for the member names it."""
_WHERE: dict[Where, str] = {
    "prompt": N_("prompt"),
    "rewritten prompt": N_("rewritten prompt"),
    "reference image": N_("reference image"),
    "result": N_("result"),
}


class PromptScreen(Protocol):
    """Judges words."""

    def objection(self, prompt: str) -> str | None:
        """Return why `prompt` may not be drawn, as the rest of a sentence (“it names …”); None if it may."""


class ImageScreen(Protocol):
    """Judges pictures."""

    def objection(self, image: Image.Image) -> str | None:
        """Return why an RGB picture may not be used or shown, as the rest of a sentence; None if it may."""


class Scorer(Protocol):
    """Says how much of what is looked for a picture shows."""

    def score(self, image: Image.Image) -> float:
        """Return 0 to 1 for an RGB picture."""


class Question(Protocol):
    """Asks a language model."""

    sees: bool
    """Whether it looks at pictures too."""

    def of_prompt(self, prompt: str) -> str | None:
        """As PromptScreen's objection."""

    def of_image(self, image: Image.Image) -> str | None:
        """As ImageScreen's objection."""


@dataclass(frozen=True)
class Screening:
    """Every screen of one worker; without any, everything passes."""

    prompts: tuple[PromptScreen, ...] = ()
    images: tuple[ImageScreen, ...] = ()
    scorer: Scorer | None = None
    levels: Levels = field(default_factory=Levels)
    question: Question | None = None
    """None: there is nobody to ask."""
    asks: bool = False
    """Whether the question is asked about everything, or only where a policy wants it."""
    fails_open: bool = False
    """Whether what a screen cannot judge passes."""

    def under(self, policy: Policy) -> Screening:
        """The screens for a job of a server with this policy: these, and what it adds."""
        return replace(
            self,
            prompts=(*self.prompts, _rules(policy.deny)) if policy.deny else self.prompts,
            levels=self.levels.under(policy),
            asks=self.asks or policy.asks,
        )

    @property
    def asks_about_images(self) -> bool:
        """Whether a model looks at each picture; it has only one pair of eyes, and they may be busy drawing."""
        return self.asks and self.question is not None and self.question.sees

    def check_prompt(self, prompt: str, where: Where = "prompt") -> None:
        """Raise ScreeningRefused for a prompt that a screen objects to, or cannot judge."""
        for screen in self.prompts:
            self._heed(partial(screen.objection, prompt), where)
        if question := self._whom_to_ask(where):
            self._heed(partial(question.of_prompt, prompt), where)

    def check_image(self, image: Image.Image, where: Where) -> None:
        """Raise ScreeningRefused for a picture that a screen objects to, or cannot judge."""
        for screen in self.images:
            self._heed(partial(screen.objection, image), where)
        self._heed(partial(self._judged, image), where)
        # A model that only reads is asked about the words.
        if (question := self._whom_to_ask(where)) and self.asks_about_images:
            self._heed(partial(question.of_image, image), where)

    def hides(self, image: Image.Image) -> bool:
        """Whether a picture that may be shown is better shown behind a click; what cannot be judged is."""
        if self.scorer is None or self.levels.hide is None:
            return False
        try:
            return not self.scorer.score(image) <= self.levels.hide
        except Exception:  # noqa: BLE001 - whatever a screen fails with, nothing is shown openly unjudged
            _log.exception("It could not be judged whether a result is better hidden")
            return True

    def _judged(self, image: Image.Image) -> str | None:
        # Not “score > refuse”: a score that is no number must not pass.
        if self.scorer is None or self.scorer.score(image) <= self.levels.refuse:
            return None
        return _("it may show what is not allowed here")

    def _whom_to_ask(self, where: Where) -> Question | None:
        if self.asks and self.question is None and not self.fails_open:
            raise _refusal(where, _("this server has a model look at it first, which this one cannot"))
        return self.question if self.asks else None

    def _heed(self, ask: Callable[[], str | None], where: Where) -> None:
        try:
            objection = ask()
        except OutOfMemory:
            raise
        except Exception as error:  # fail closed: whatever keeps a screen from judging, nothing passes unjudged
            if errors.loses_the_device(error):
                raise
            _log.exception("A screen could not judge the %s%s", where, ", which passes" if self.fails_open else "")
            objection = None if self.fails_open else _("it could not be checked")
        if objection is not None:
            raise _refusal(where, objection)


@lru_cache(maxsize=128)
def _rules(deny: tuple[str, ...]) -> Rules:
    # Made once for a server rather than for each of its jobs: a hundred phrases take some hundredths of a second.
    return Rules(deny)


def _refusal(where: Where, why: str) -> ScreeningRefused:
    return ScreeningRefused(_("the {what} was refused because {why}.").format(what=_(_WHERE[where]), why=why))


NOTHING = Screening()
"""Lets everything pass."""
