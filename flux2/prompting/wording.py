"""From what a member typed to the text the model gets: plain words or JSON, a style around it, colours spelled out.

Words of every language pass as they are. Doing it again to its own result changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from flux2.prompting import colours, negatives, scene
from flux2.prompting.colours import Swatch
from flux2.prompting.scene import Scene
from flux2.prompting.styles import Style

_PALETTE = "color_palette"


@dataclass(frozen=True)
class Worded:
    """The text for the model, and sentences for the member."""

    text: str
    notes: tuple[str, ...] = ()


def word(prompt: str, style: Style | None = None) -> Worded:
    """Word a prompt for the model. Raises InvalidRequest: a broken JSON prompt, a negative prompt."""
    if scene.is_json(prompt):
        described, notes = scene.parse(prompt)
        if style:
            described = style.apply_to(described)
        return Worded(_coloured(described).text(), notes)
    negatives.refuse_text(prompt)
    words = prompt.strip()
    return Worded(colours.normalise(style.apply(words) if style and words else words))


def swatches(prompt: str) -> tuple[Swatch, ...]:
    """The colours a worded prompt names, in order."""
    described = scene.read(prompt)
    if described is None:
        return colours.swatches(prompt)
    found: dict[Swatch, None] = {}

    def look(key: str, text: str) -> str:
        found.update(dict.fromkeys(colours.swatches(f"color {text}" if key == _PALETTE else text)))
        return text

    scene.mapped(described.as_object(), look)
    return tuple(found)


def plain_words(prompt: str) -> str:
    """The prompt as a person would say it: a JSON prompt by its summary, for titles and screen readers."""
    described = scene.read(prompt)
    return prompt if described is None else described.summary()


def _coloured(described: Scene) -> Scene:
    def spelled(key: str, text: str) -> str:
        return colours.spell(text) if key == _PALETTE else colours.normalise(text)

    return Scene.model_validate(scene.mapped(described.as_object(), spelled))
