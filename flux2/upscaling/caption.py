"""What an upscale is told of the picture: whose words, in what order they are asked for, and that it is said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from flux2.errors import Flux2Error, ScreeningRefused
from flux2.upsampling import rewriting
from flux2.upsampling.local import Local
from flux2.upsampling.port import MAX_ANSWER_TOKENS
from flux2.upscaling.request import NEUTRAL, UpscaleRequest

if TYPE_CHECKING:
    from flux2.engine import Engine
    from flux2.pipeline import OnStep

_log = logging.getLogger(__name__)

Look = Callable[[Image.Image], str]
"""Describes a picture in words. Raises Flux2Error where it cannot."""


@dataclass(frozen=True)
class Captioner:
    """Someone who can look at pictures; `name` is said with the caption."""

    name: str
    look: Look


@dataclass(frozen=True)
class Caption:
    """The words, and a sentence on whose they are."""

    words: str
    origin: str


def own(engine: Engine, seed: int, on_step: OnStep | None) -> tuple[Captioner, ...]:
    """The loaded model's own eyes, where it has any: dev's text encoder looks at pictures too."""
    if not engine.model.can_describe:
        return ()

    def on_token(done: int) -> None:
        if on_step:
            on_step("rewrite", done, MAX_ANSWER_TOKENS)

    upsampler = Local(engine, seed=seed, on_token=on_token)
    return (Captioner(upsampler.name, lambda picture: rewriting.describe(upsampler, picture)),)


def caption(request: UpscaleRequest, picture: Image.Image, captioners: Sequence[Captioner] = ()) -> Caption:
    """Return the member's words, else those of the first captioner that answers, of whoever looked before, or the
    picture's own prompt.

    Where there is none of these, a neutral sentence.
    """
    if request.prompt:
        return Caption(request.prompt, "The caption is the given prompt.")
    for captioner in captioners:
        try:
            words = captioner.look(picture).strip()
        except ScreeningRefused:
            raise
        except Flux2Error as failed:
            _log.warning("%s gives no caption: %s", captioner.name, failed)
            continue
        if words:
            return Caption(words, f"The caption is by {captioner.name}.")
    if request.caption:
        return Caption(request.caption, "")  # whose it is was said when it came
    if request.recipe:
        return Caption(request.recipe, "The caption is the prompt the picture was drawn from.")
    return Caption(NEUTRAL, "Nobody here can look at pictures, so the caption is a neutral one.")
