"""The story of a rewrite: ask, clean the answer, keep what is locked; else the prompt stays and it is said why.

Owns what an answer has to be before it is used. Declines to know which language model answers. Torch-free.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux2.errors import InvalidRequest, UpsamplingFailed
from flux2.prompting import scene
from flux2.request import MAX_PROMPT
from flux2.upsampling import instructions, locks
from flux2.upsampling.port import Upsampler

if TYPE_CHECKING:
    from PIL import Image

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.I)
_FENCE = re.compile(r"\A```[\w-]*\s*\n(?P<body>.*?)\n?```\Z", re.DOTALL)
_LABEL = re.compile(
    r"\A(?:\*\*|#+ ?)?(?:(?:here (?:is|'s|’s)|sure|certainly)\b[^\n:]{0,80}:|(?:rewritten |enhanced |improved |final )?"
    r"(?:prompt|instruction|description)(?: text)?:)(?:\*\*)?\s*",
    re.I,
)
_PAIRS = {"“": "”", '"': '"', "«": "»", "„": "“"}
_SHORTEST = 3
"""Characters; an answer below is none."""


@dataclass(frozen=True)
class Rewriting:
    """What is drawn from now on, and what is said of how it came about."""

    prompt: str
    original: str
    notes: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether there is a rewrite at all."""
        return self.prompt != self.original


def rewrite(
    upsampler: Upsampler, prompt: str, images: Sequence[Image.Image] = (), *, structured: bool = False
) -> Rewriting:
    """Rewrite `prompt`, with `images` numbered as it numbers them; `structured` asks for a JSON prompt.

    A JSON prompt stays one. Raises UpsamplingFailed with one sentence.
    """
    shown = images if upsampler.takes_images else ()
    notes = () if shown or not images else (f"{upsampler.name} reads words only and did not see the images.",)
    if structured or scene.is_json(prompt):
        text = _structured(upsampler, prompt, shown)
    else:
        # Who cannot see the pictures is better told to change one than to invent another.
        answer = upsampler.answer(instructions.EDIT if images else instructions.DRAW, prompt, shown)
        text = locks.keep(prompt, clean(answer), len(images))
    if len(text) > MAX_PROMPT:
        raise UpsamplingFailed(f"The rewritten prompt was not used because it has {len(text)} characters.")
    return Rewriting(text, prompt, notes)


def rewrite_or_keep(upsampler: Upsampler, prompt: str, images: Sequence[Image.Image] = ()) -> Rewriting:
    """As `rewrite`, but a failure keeps the prompt and says so."""
    try:
        return rewrite(upsampler, prompt, images)
    except UpsamplingFailed as failure:
        return Rewriting(prompt, prompt, (kept(failure),))


def kept(failure: UpsamplingFailed) -> str:
    """The sentence on a result that was drawn from the member's own words because of `failure`."""
    return f"{failure} Your own prompt was drawn."


def describe(upsampler: Upsampler, image: Image.Image) -> str:
    """Return a prompt that would draw `image` again. Raises UpsamplingFailed."""
    if not upsampler.takes_images:
        raise UpsamplingFailed(f"{upsampler.name} reads words only and cannot describe pictures.")
    text = clean(upsampler.answer(instructions.DESCRIBE, "Describe this picture.", [image]))
    return text[:MAX_PROMPT]


def clean(answer: str) -> str:
    """Return an answer without the thoughts, labels, fences and quotes around it. Raises UpsamplingFailed."""
    text = _THOUGHT.sub("", answer).strip()
    text = _LABEL.sub("", text).strip()
    if fenced := _FENCE.match(text):
        text = fenced["body"].strip()
    text = _LABEL.sub("", text).strip()
    close = _PAIRS.get(text[:1])
    if close and text.endswith(close) and not any(mark in text[1:-1] for mark in (text[0], close)):
        text = text[1:-1].strip()
    # One paragraph, no control characters: what a prompt is.
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) < _SHORTEST:
        raise UpsamplingFailed("The language model answered with nothing.")
    return text


def _structured(upsampler: Upsampler, prompt: str, images: Sequence[Image.Image]) -> str:
    answer = _THOUGHT.sub("", upsampler.answer(instructions.STRUCTURE, prompt, images))
    start, end = answer.find("{"), answer.rfind("}")
    if start < 0 or end < start:
        raise UpsamplingFailed("The language model did not answer with a JSON prompt.")
    try:
        described, _ = scene.parse(answer[start : end + 1])
    except InvalidRequest as wrong:
        raise UpsamplingFailed("The language model did not answer with a JSON prompt that can be drawn.") from wrong
    # Checked, never mended: a value in the middle of an object is no place to guess.
    broken = locks.find(_spoken(prompt)).broken_in(_spoken(described.text()), len(images))
    if broken is not None:
        raise UpsamplingFailed(f"The rewritten prompt was not used because {broken} in it.")
    return described.text()


def _spoken(prompt: str) -> str:
    """The values of a JSON prompt as sentences; plain words as they are."""
    described = scene.read(prompt)
    if described is None:
        return prompt
    values: list[str] = []

    def note(_key: str, text: str) -> str:
        values.append(text)
        return text

    scene.mapped(described.as_object(), note)
    return ". ".join(values)
