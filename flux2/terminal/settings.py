"""What an interactive session has set: named values as they are typed, each read into what a request takes.

The names are those of the model makers' own command line, and ours beside them. Declines to know the session.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from flux2.errors import InvalidRequest
from flux2.prompting import styles
from flux2.prompting.styles import Styles
from flux2.terminal.order import Wish

UPSAMPLE_MODES = ("none", "local", "openrouter")
ALIASES = {
    "steps": "num_steps",
    "image": "input_images",
    "images": "input_images",
    "upsample": "upsample_prompt_mode",
    "output_format": "format",
    "output_quality": "quality",
}
_NOTHING = {"", "none", "null", "[]"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The session's values; None leaves one to the model."""

    prompt: str = ""
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    num_steps: int | None = None
    guidance: float | None = None
    input_images: tuple[Path, ...] = ()
    init_image: Path | None = None
    strength: float | None = None
    match_image_size: int | None = None
    """Index into input_images, from 0, whose shape the picture takes."""
    upsample_prompt_mode: str = "none"
    openrouter_model: str | None = None
    aspect: str | None = None
    size: str | None = None
    count: int | None = None
    format: str | None = None
    quality: int | None = None
    style: str | None = None
    out: Path = Path()

    def shown(self) -> str:
        """One line for each value."""
        return "".join(f"  {field.name}: {_shown(getattr(self, field.name))}\n" for field in fields(self))

    def changed(self, name: str, text: str) -> Settings:
        """The same with one value as typed. Raises InvalidRequest."""
        name = ALIASES.get(name, name)
        if name not in _READERS:
            raise InvalidRequest(f"There is nothing called “{name}” to set; `help` lists what there is.")
        return replace(self, **{name: _READERS[name](name, text.strip())})

    def wish(self, known: Styles) -> Wish:
        """What these values ask for. Raises InvalidRequest."""
        if self.match_image_size is not None and (self.width or self.height or self.size or self.aspect):
            raise InvalidRequest("Give either match_image_size or a size and an aspect, not both.")
        if (self.width is None) != (self.height is None):
            raise InvalidRequest("Give width and height together, or neither.")
        if self.width is not None and self.size is not None:
            raise InvalidRequest("Give either width and height or a size, not both.")
        index = self.match_image_size
        return Wish(
            prompt=self.prompt,
            style=styles.find(known, self.style) if self.style else None,
            images=self.input_images,
            init_image=self.init_image,
            strength=self.strength,
            aspect=self.aspect if index is None else f"match:{index + 1}",
            size=self.size if self.width is None else f"{self.width}x{self.height}",
            steps=self.num_steps,
            guidance=self.guidance,
            seed=self.seed,
            count=self.count,
            output_format=self.format,
            output_quality=self.quality,
        )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _text(_name: str, text: str) -> str:
    return text


def _word(_name: str, text: str) -> str | None:
    return None if text.lower() in _NOTHING else text


def _whole(name: str, text: str) -> int | None:
    if text.lower() in _NOTHING:
        return None
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest(f"{name} takes a whole number or none, not “{text[:40]}”.") from None


def _number(name: str, text: str) -> float | None:
    if text.lower() in _NOTHING:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidRequest(f"{name} takes a number or none, not “{text[:40]}”.") from None


def _paths(name: str, text: str) -> tuple[Path, ...]:
    """Separated by commas or blanks; names with blanks in them are quoted."""
    if text.lower() in _NOTHING:
        return ()
    if Path(text).is_file():
        return (Path(text),)
    try:
        words = [part.strip() for token in shlex.split(text) for part in token.split(",")]
    except ValueError:
        raise InvalidRequest(f"{name} has a quotation mark without its partner.") from None
    paths = tuple(Path(word).expanduser() for word in words if word)
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise InvalidRequest(f"There is no file {', '.join(missing)}; nothing was changed.")
    return paths


def _file(name: str, text: str) -> Path | None:
    found = _paths(name, text)
    if len(found) > 1:
        raise InvalidRequest(f"{name} is one file; quote a name with blanks or commas in it.")
    return found[0] if found else None


def _mode(name: str, text: str) -> str:
    if text.lower() not in UPSAMPLE_MODES:
        raise InvalidRequest(f"{name} is one of {', '.join(UPSAMPLE_MODES)}.")
    return text.lower()


def _path(_name: str, text: str) -> Path:
    return Path(text).expanduser()


_READERS: dict[str, Callable[[str, str], Any]] = {
    "prompt": _text,
    "seed": _whole,
    "width": _whole,
    "height": _whole,
    "num_steps": _whole,
    "guidance": _number,
    "input_images": _paths,
    "init_image": _file,
    "strength": _number,
    "match_image_size": _whole,
    "upsample_prompt_mode": _mode,
    "openrouter_model": _word,
    "aspect": _word,
    "size": _word,
    "count": _whole,
    "format": _word,
    "quality": _whole,
    "style": _word,
    "out": _path,
}
