"""What a screen is, and all screens of a worker together. Torch-free.

A screen looks at one prompt or one picture and either has nothing against it or gives a reason. Owns the rule that
what a screen cannot judge is refused. Declines to know policies: which screens there are is the operator's choice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from flux2.errors import ScreeningRefused

if TYPE_CHECKING:
    from PIL import Image

_log = logging.getLogger(__name__)

Where = Literal["prompt", "rewritten prompt", "reference image", "result"]
"""What is looked at; the sentence for the member names it."""


class PromptScreen(Protocol):
    """Judges words."""

    def objection(self, prompt: str) -> str | None:
        """Return why `prompt` may not be drawn, as the rest of a sentence (“it names …”); None if it may."""


class ImageScreen(Protocol):
    """Judges pictures."""

    def objection(self, image: Image.Image) -> str | None:
        """Return why an RGB picture may not be used or shown, as the rest of a sentence; None if it may."""


@dataclass(frozen=True)
class Screening:
    """Every screen of one worker; without any, everything passes."""

    prompts: tuple[PromptScreen, ...] = ()
    images: tuple[ImageScreen, ...] = ()

    def check_prompt(self, prompt: str, where: Where = "prompt") -> None:
        """Raise ScreeningRefused for a prompt that a screen objects to, or cannot judge."""
        for screen in self.prompts:
            _ask(screen, prompt, where)

    def check_image(self, image: Image.Image, where: Where) -> None:
        """Raise ScreeningRefused for a picture that a screen objects to, or cannot judge."""
        for screen in self.images:
            _ask(screen, image, where)


NOTHING = Screening()
"""Lets everything pass."""


def _ask(screen: PromptScreen | ImageScreen, subject: object, where: Where) -> None:
    try:
        objection = screen.objection(subject)  # type: ignore[arg-type]  # the callers pair screens and subjects
    except Exception:  # noqa: BLE001 - fail closed: whatever keeps a screen from judging, nothing passes unjudged
        _log.exception("%s could not judge the %s", type(screen).__name__, where)
        objection = "it could not be checked"
    if objection is not None:
        raise ScreeningRefused(f"the {where} was refused because {objection}.")
