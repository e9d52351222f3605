"""What members keep for later pictures: presets with a name, and preferences for every picture. Pure values.

A preset may hold words around the prompt, options, and pictures of somebody or something ("cast"); `@name` in a prompt
stands for those pictures. Declines to know where they are stored and which command uses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.language import _
from bot.options import Options
from flux2.prompting import scene, styles
from flux2.prompting.styles import Styles
from flux2.request import ReferenceImage

MAX_AFFIX = 1000
"""Characters before or after the prompt."""
MAX_PICTURES = 4
PresetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_MENTION = re.compile(r"(?<![\w<@/])@([A-Za-z0-9][A-Za-z0-9_-]{0,31})")


class Defaults(BaseModel):
    """Options taken where a command leaves them out; None leaves them to the model."""

    # Ignored, not refused: a preference this version has dropped must not lock its owner out.
    model_config = ConfigDict(frozen=True, extra="ignore")

    style: str | None = None
    model: str | None = None
    aspect: str | None = None
    size: str | None = None
    output_format: str | None = None
    output_quality: int | None = None
    upsample: Literal["none", "local", "openrouter", "auto"] | None = None

    def given(self) -> dict[str, str | int]:
        """The options that are set."""
        return self.model_dump(exclude_none=True)

    def under(self, options: Options, known: Styles) -> Options:
        """Return `options` with this in the place of what was left out. Raises InvalidRequest for a style not known."""
        if options.says_all:
            return options
        # A size in pixels says its own shape: a preferred one beside it would be refused.
        spelled_out = options.size is not None and "x" in options.size.lower()
        changes_a_part = bool(options.region or options.mask_image)  # of a picture that keeps its size
        kept: dict[str, Any] = {
            name: value
            for name, value in self.given().items()
            if getattr(options, name) is None
            and not (name == "aspect" and spelled_out)
            and not (name in {"aspect", "size"} and changes_a_part)
        }
        if "style" in kept:
            kept["style"] = styles.find(known, kept["style"])
        return replace(options, **kept)


class Preferences(Defaults):
    """What a member takes where a command leaves it out, and how they want to be told."""

    dm_on_finish: bool = False
    is_private: bool = False
    """Whether what commands draw is for the member alone."""
    knows_of_ping: bool = False
    """Whether the member was told, once, that replies without ping cannot be read."""

    def given(self) -> dict[str, str | int]:
        """The options that are set."""
        return self.model_dump(exclude_none=True, exclude={"dm_on_finish", "is_private", "knows_of_ping"})


class Preset(Defaults):
    """Options with a name, words around the prompt, and pictures."""

    name: PresetName
    prefix: str = Field(default="", max_length=MAX_AFFIX)
    suffix: str = Field(default="", max_length=MAX_AFFIX)
    steps: int | None = None
    guidance: float | None = None
    pictures: tuple[ReferenceImage, ...] = Field(default=(), max_length=MAX_PICTURES)

    def given(self) -> dict[str, str | int]:
        """The options that are set, without what surrounds the prompt."""
        return self.model_dump(exclude_none=True, exclude={"name", "prefix", "suffix", "pictures"})

    def around(self, prompt: str) -> str:
        """The prompt between its prefix and suffix; a JSON prompt takes both into its style. Raises InvalidRequest."""
        words = (self.prefix.strip(), self.suffix.strip())
        if any(words) and scene.is_json(prompt):
            described, _ = scene.parse(prompt)
            return described.model_copy(update={"style": ", ".join(filter(None, (described.style, *words)))}).text()
        return " ".join(filter(None, (words[0], prompt.strip(), words[1])))


@dataclass(frozen=True)
class Scene:
    """A prompt whose cast has been given its pictures."""

    prompt: str
    pictures: tuple[ReferenceImage, ...]
    notes: tuple[str, ...] = ()


def is_name(text: str) -> bool:
    """Whether `text` can be a preset's name."""
    return _NAME.fullmatch(text) is not None


def named_in(prompt: str) -> tuple[str, ...]:
    """The words after an @, in lower case and each once: whom the prompt may be speaking of."""
    return tuple(dict.fromkeys(match[1].lower() for match in _MENTION.finditer(prompt)))


def stage(prompt: str, cast: Mapping[str, Preset], own: Sequence[ReferenceImage]) -> Scene:
    """Put the pictures of everybody named in `prompt` after `own` ones and call them by their numbers there.

    A name nobody is known by stays as it was written.
    """
    pictures = list(own)
    numbers: dict[str, str] = {}
    for name in named_in(prompt):
        preset = cast.get(name)
        if preset is not None and preset.pictures:
            first = len(pictures) + 1
            pictures += preset.pictures
            numbers[name] = _numbered(range(first, len(pictures) + 1))
    told = _MENTION.sub(lambda match: numbers.get(match[1].lower(), match[0]), prompt)
    notes = tuple(_("@{name} is {number}.").format(name=name, number=number) for name, number in numbers.items())
    return Scene(told, tuple(pictures), notes)


def _numbered(numbers: Iterable[int]) -> str:
    *others, last = (str(number) for number in numbers)
    return f"images {', '.join(others)} and {last}" if others else f"image {last}"
