"""A JSON prompt from the few inputs of a form, and back: lines of words, and choices from the schema's lists.

Owns how a form's words are read. Declines to know how the form is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flux2.errors import InvalidRequest
from flux2.language import _, listed
from flux2.prompting import scene as schema
from flux2.prompting.scene import Scene

LOOK = ("style", "lighting", "mood", "background")
"""Parts that share one input, a line each: `lighting: soft window light`."""
GROUPS: dict[str, tuple[str, ...]] = {
    "composition": tuple(schema.COMPOSITIONS),
    "angle": tuple(schema.ANGLES),
    "distance": schema.DISTANCES,
    "focus": schema.FOCUSES,
    "lens": schema.LENSES,
    "f-number": schema.APERTURES,
    "effects": schema.EFFECTS,
}
"""What is chosen rather than written, in one list of 25: a group, and its options. Only effects may be several."""
_CAMERA = ("angle", "distance", "focus", "lens", "f-number")
_SEVERAL = "effects"
_LABELLED = re.compile(rf"^\s*({'|'.join(LOOK)})\s*:\s*(.*)$", re.I)
_COLOURS = re.compile(r"^colou?rs?\s*:\s*(.*)$", re.I)


@dataclass(frozen=True)
class Parts:
    """The form's inputs as they are shown and filled in."""

    scene: str = ""
    subjects: str = ""
    """A line each: `fox: red fur; running; foreground; colors: rust, cream`."""
    look: str = ""
    """Labelled lines for LOOK."""
    colours: str = ""
    """Separated by commas."""
    choices: tuple[str, ...] = ()
    """`group:option` from GROUPS."""


def build(parts: Parts) -> Scene:
    """Put a scene together. Raises InvalidRequest for two choices of one group, or where everything is empty."""
    chosen = _chosen(parts.choices)
    data: dict[str, Any] = {
        "scene": _line(parts.scene),
        "subjects": [_subject(line) for line in parts.subjects.splitlines() if line.strip()],
        **_look(parts.look),
        "color_palette": _listed(parts.colours),
        "composition": next(iter(chosen.get("composition", ())), None),
        "camera": {name: chosen[name][0] for name in _CAMERA if name in chosen},
        _SEVERAL: chosen.get(_SEVERAL, []),
    }
    filled = {name: value for name, value in data.items() if value}
    if not filled:
        raise InvalidRequest(_("The form is empty; say at least what the scene is or who is in it."))
    return Scene.model_validate(filled)


def take_apart(scene: Scene) -> Parts:
    """Show a scene in the form; what the form has no input for is lost."""
    data = scene.as_object()
    chosen = {"composition": scene.composition, **data.get("camera", {})}
    choices = [f"{name}:{value}" for name, value in chosen.items() if value in GROUPS.get(name, ())]
    choices += [f"{_SEVERAL}:{value}" for value in scene.effects or () if value in schema.EFFECTS]
    return Parts(
        scene=scene.scene or "",
        subjects="\n".join(_subject_line(subject) for subject in data.get("subjects", ())),
        look="\n".join(f"{name}: {data[name]}" for name in LOOK if data.get(name)),
        colours=", ".join(scene.color_palette or ()),
        choices=tuple(choices),
    )


def options() -> Iterator[tuple[str, str, str]]:
    """(`group:option`, what members read, what it does) of everything that can be chosen."""
    meanings = schema.COMPOSITIONS | schema.ANGLES
    for group, known in GROUPS.items():
        for option in known:
            yield f"{group}:{option}", f"{group.capitalize()}: {option}", meanings.get(option, "")


def _chosen(choices: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for choice in choices:
        group, _colon, option = choice.partition(":")
        if option in GROUPS.get(group, ()):
            found.setdefault(group, []).append(option)
    for group, taken in found.items():
        if len(taken) > 1 and group != _SEVERAL:
            raise InvalidRequest(_("Choose one {group}, not {options}.").format(group=group, options=listed(taken)))
    return found


def _look(text: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    name = LOOK[0]
    for line in text.splitlines():
        labelled = _LABELLED.match(line)
        name, words = (labelled[1].lower(), labelled[2]) if labelled else (name, line)
        if words.strip():
            found.setdefault(name, []).append(_line(words))
    return {name: ", ".join(words) for name, words in found.items()}


def _subject(line: str) -> dict[str, Any]:
    who, *rest = (part.strip() for part in line.split(";"))
    kind, colon, description = (part.strip() for part in who.partition(":"))
    subject: dict[str, Any] = {"type": kind, "description": description} if colon else {"description": who}
    for part in rest:
        if part.lower() in schema.POSITIONS:
            subject["position"] = part.lower()
        elif palette := _COLOURS.match(part):
            subject["color_palette"] = _listed(palette[1])
        elif part:
            subject["pose"] = ", ".join(filter(None, (subject.get("pose"), part)))
    return {name: value for name, value in subject.items() if value}


def _subject_line(subject: dict[str, Any]) -> str:
    who = ": ".join(filter(None, (subject.get("type"), subject.get("description"))))
    if "type" in subject and "description" not in subject:
        who += ":"
    palette = ", ".join(subject.get("color_palette", ()))
    parts = (who, subject.get("pose"), subject.get("position"), f"colors: {palette}" if palette else "")
    return "; ".join(part.replace("\n", " ") for part in parts if part)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]


def _line(text: str) -> str:
    return " ".join(text.split())
