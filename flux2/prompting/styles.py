"""Styles: words that are put around a member's prompt, with the size they want. Values; the list itself is a TOML file
that is handed in.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flux2.errors import Flux2Error, InvalidRequest
from flux2.language import _
from flux2.prompting.scene import Scene


class Style(BaseModel):
    """One style. At least one of `before` and `after` says something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """What is typed."""
    title: Annotated[str, Field(min_length=1, max_length=60)]
    kind: Literal["photography", "recipe"]
    advice: Annotated[str, Field(max_length=100)] = ""
    """What the prompt should say for this style to work."""
    before: Annotated[str, Field(max_length=600)] = ""
    after: Annotated[str, Field(max_length=600)] = ""
    size: Annotated[str, Field(pattern=r"^\d+x\d+$")] | None = None
    """Width x height where neither size nor aspect is given."""

    def apply(self, prompt: str) -> str:
        """Put the style's words around plain `prompt`."""
        words = prompt.strip()
        if self.after and words.endswith((".", ",", ";")):
            words = words[:-1]
        return f"{self.before} {words}".strip() + (f", {self.after}" if self.after else "")

    def apply_to(self, scene: Scene) -> Scene:
        """Add the style's words to the `style` of a JSON prompt."""
        own = ", ".join(filter(None, (self.before.rstrip(" :"), self.after)))
        return scene.model_copy(update={"style": ", ".join(filter(None, (scene.style, own)))})


Styles = Mapping[str, Style]


class StylesUnreadable(Flux2Error):
    """The file of styles cannot be used; the text is one sentence for the operator."""


def read(path: Path) -> dict[str, Style]:
    """Read a TOML file of `[name]` tables. Raises StylesUnreadable."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Style.model_validate({"name": name, **table}) for name, table in tables.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise StylesUnreadable(
            f"The styles in {path} cannot be read ({error}); mend the file or name another."
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise StylesUnreadable(f"The styles in {path} have a mistake ({place}: {first['msg']}); mend it.") from error


def find(styles: Styles, name: str) -> Style:
    """Return the style called `name` by its name or title. Raises InvalidRequest."""
    wanted = name.strip().lower()
    for style in styles.values():
        if wanted in (style.name, style.title.lower()):
            return style
    near = difflib.get_close_matches(wanted.replace(" ", "-"), list(styles), 1, cutoff=0.5)
    said = _("There is no style called “{name}”; did you mean {near}?")
    if not near:
        said = _("There is no style called “{name}”; choose one of {known}.")
    known = ", ".join(styles) or _("none")
    raise InvalidRequest(said.format(name=name.strip()[:60], near="".join(near), known=known))


def matching(styles: Styles, typed: str) -> list[Style]:
    """The styles a half-typed name may mean, those that begin with it first."""
    typed = typed.strip().lower()
    found = [style for style in styles.values() if typed in style.name or typed in style.title.lower()]
    return sorted(found, key=lambda style: not (style.name.startswith(typed) or style.title.lower().startswith(typed)))
