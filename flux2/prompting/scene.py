"""The structured JSON prompt: a scene by its parts, as FLUX.2 was trained to read it.

Owns the schema, its option lists and its spelling (`f-number`, `ISO`). It is sent as text: unknown keys are kept and
said, wrong types are refused. Declines to know colours and styles.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.prompting import negatives

POSITIONS = ("foreground", "midground", "background")
COMPOSITIONS = {
    "rule of thirds": "classic and balanced",
    "golden spiral": "a natural flow inwards",
    "minimalist negative space": "clean, with room around",
    "diagonal energy": "movement and action",
    "vanishing point center": "depth, lines that meet",
    "triangular arrangement": "stable, one thing above others",
}
ANGLES = {
    "eye level": "natural, as one meets it",
    "low angle": "heroic, looking up",
    "bird's-eye": "from above: patterns, overview",
    "worm's-eye": "from the ground: imposing",
    "over-the-shoulder": "intimate, telling a story",
}
DISTANCES = ("close-up", "medium shot", "wide shot")
FOCUSES = ("deep focus", "selective focus", "sharp on subject")
LENSES = ("35mm", "50mm", "85mm")
APERTURES = ("f/2.8", "f/5.6")
EFFECTS = ("lens flare", "film grain", "soft bloom")

_MAX_DEPTH = 8
_FENCE = re.compile(r"^```(?:json)?\s*\n(?P<body>.*?)\n?```$", re.DOTALL | re.I)
_UNUSUAL = re.compile(r"[^\w.,' -]+")
_MEANT = re.compile(r'^\{\s*(?:"|\}|\'\w+\'\s*:)')
_EXAMPLES = {
    "subjects": '[{"type": "fox", "description": "red fur"}]',
    "color_palette": '["navy", "#E8AA14"]',
    "effects": '["film grain"]',
    "camera": '{"angle": "low angle", "lens": "35mm"}',
    "ISO": "200",
    "lens": '"85mm"',
    "f-number": '"f/2.8"',
}


class _Part(BaseModel):
    """A JSON object that keeps keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


Text = Annotated[StrictStr, Field(max_length=4000)]
Texts = Annotated[tuple[Text, ...], Field(max_length=40)]


class Subject(_Part):
    """Somebody or something in the scene."""

    type: Text | None = None
    description: Text | None = None
    pose: Text | None = None
    position: Text | None = None
    """One of POSITIONS."""
    color_palette: Texts | None = None


class Camera(_Part):
    """How it is looked at."""

    angle: Text | None = None
    distance: Text | None = None
    focus: Text | None = None
    lens: Text | None = None
    f_number: Annotated[Text | None, Field(alias="f-number")] = None
    iso: Annotated[StrictInt | None, Field(alias="ISO", ge=1, le=10_000_000)] = None


class Scene(_Part):
    """The whole prompt. Every part may be left out, but not all of them."""

    scene: Text | None = None
    subjects: Annotated[tuple[Subject, ...] | None, Field(max_length=20)] = None
    style: Text | None = None
    color_palette: Texts | None = None
    lighting: Text | None = None
    mood: Text | None = None
    background: Text | None = None
    composition: Text | None = None
    camera: Camera | None = None
    effects: Texts | None = None

    def as_object(self) -> dict[str, Any]:
        """The JSON object, with the schema's keys in the schema's order and unknown ones after them."""
        kept: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return kept

    def text(self) -> str:
        """One line of JSON: what the model gets. Letters of every script stay themselves."""
        return json.dumps(self.as_object(), ensure_ascii=False)

    def pretty(self) -> str:
        """Indented JSON: what people get."""
        return json.dumps(self.as_object(), ensure_ascii=False, indent=2)

    def summary(self) -> str:
        """The scene in a few plain words, for titles and screen readers."""
        subjects = [" ".join(filter(None, (one.type, one.description))) for one in self.subjects or ()]
        words = filter(None, (self.scene, *subjects, self.background, self.style))
        return "; ".join(words) or "a scene by its parts"


def is_json(prompt: str) -> bool:
    """Whether the prompt is meant as JSON: an object, perhaps in a code fence. “{curly} art” is not."""
    return _MEANT.match(_unfenced(prompt)) is not None


def parse(prompt: str) -> tuple[Scene, tuple[str, ...]]:
    """Return the scene and what has to be said about it. Raises InvalidRequest with one sentence."""
    text = _unfenced(prompt)
    data = _load(text)
    _check_depth(data)
    for key, value in _keys(data):
        negatives.refuse_key(key, value)
    try:
        scene = Scene.model_validate(_filled(data) or {})
    except ValidationError as wrong:
        raise _refusal(wrong) from None
    if not scene.as_object():
        raise InvalidRequest(_('The JSON prompt is empty; give it at least {"scene": "…"} or one subject.'))
    return scene, (*_unknown(scene), *_unlisted(scene))


def read(prompt: str) -> Scene | None:
    """Return the scene of a prompt that was accepted before; None for plain words."""
    if not is_json(prompt):
        return None
    try:
        return parse(prompt)[0]
    except InvalidRequest:
        return None


def _unfenced(prompt: str) -> str:
    prompt = prompt.strip().removeprefix("\ufeff")
    fenced = _FENCE.match(prompt)
    return fenced["body"].strip() if fenced else prompt


def _load(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_number)
    except json.JSONDecodeError as wrong:
        raise InvalidRequest(
            _(
                "The JSON prompt has a mistake in line {line}, column {column} ({problem}); "
                "mend it, or begin the prompt with a word to have it taken as plain text."
            ).format(line=wrong.lineno, column=wrong.colno, problem=wrong.msg)
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # an integer of thousands of digits
        raise InvalidRequest(_("The JSON prompt holds a number that is too long; shorten it.")) from None
    if not isinstance(data, dict):
        raise InvalidRequest(_('The JSON prompt must be one object, such as {"scene": "a harbour at dawn"}.'))
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidRequest(_("The JSON prompt has “{key}” twice; keep one of them.").format(key=key[:60]))
        found[key] = value
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits[:20])


def _no_number(name: str) -> NoReturn:
    raise InvalidRequest(_("The JSON prompt holds {name}, which is no number; take it out.").format(name=name))


def _too_deep() -> InvalidRequest:
    return InvalidRequest(
        _("The JSON prompt is nested deeper than {most} levels; make it flatter.").format(most=_MAX_DEPTH)
    )


def _check_depth(data: Any, depth: int = 1) -> None:
    if depth > _MAX_DEPTH:
        raise _too_deep()
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for value in inner:
        _check_depth(value, depth + 1)


def _filled(value: Any) -> Any:
    """The same without what says nothing: null, blank text, empty lists and objects. None where nothing is left."""
    if isinstance(value, dict):
        value = {key: full for key, inner in value.items() if (full := _filled(inner)) is not None}
    elif isinstance(value, list):
        value = [full for inner in value if (full := _filled(inner)) is not None]
    elif isinstance(value, str):
        value = value.strip()
    return None if value in ({}, [], "") else value


def _keys(data: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        yield from data.items()
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for value in inner:
        yield from _keys(value)


def _refusal(wrong: ValidationError) -> InvalidRequest:
    first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
    place = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")
    names = [step for step in first["loc"] if isinstance(step, str)]
    name = names[-1] if names else ""
    match first["type"]:
        case "string_too_long" | "too_long" | "greater_than_equal" | "less_than_equal":
            problem = str(first["msg"]).lower().removeprefix("input ").removeprefix("tuple ")
            return InvalidRequest(
                _("In the JSON prompt “{place}” {problem}; shorten or change it.").format(place=place, problem=problem)
            )
        case _:
            example = _EXAMPLES.get(name, '"a few words"')
            return InvalidRequest(
                _("In the JSON prompt “{place}” has the wrong type; write it as {example}.").format(
                    place=place, example=example
                )
            )


def _unknown(scene: Scene) -> Iterator[str]:
    parts: list[tuple[str, _Part]] = [("", scene)]
    parts += [(f"subjects[{i}].", one) for i, one in enumerate(scene.subjects or (), start=1)]
    if scene.camera:
        parts.append(("camera.", scene.camera))
    for prefix, part in parts:
        known = [field.alias or name for name, field in type(part).model_fields.items()]
        for key in part.model_extra or {}:
            near = difflib.get_close_matches(key, known, 1, cutoff=0.7)
            said = _("JSON prompt: “{key}” is not part of the schema and was passed on as it is.")
            if near:
                said = _(
                    "JSON prompt: “{key}” is not part of the schema and was passed on as it is; did you mean “{near}”?"
                )
            yield said.format(key=prefix + _named(key), near="".join(near))


def _unlisted(scene: Scene) -> Iterator[str]:
    """The two lists the schema closes; the others are examples."""
    for i, subject in enumerate(scene.subjects or (), start=1):
        if subject.position and subject.position not in POSITIONS:
            yield _beside(f"subjects[{i}].position", subject.position, POSITIONS)
    if scene.camera and scene.camera.focus and scene.camera.focus not in FOCUSES:
        yield _beside("camera.focus", scene.camera.focus, FOCUSES)


def _beside(place: str, value: str, known: tuple[str, ...]) -> str:
    return _("JSON prompt: {place} “{value}” was kept; the model knows {known}.").format(
        place=place, value=_named(value), known=", ".join(known)
    )


def _named(text: str) -> str:
    """Words of a prompt as a note shows them, to everybody: nothing in them formats, links or calls anybody."""
    return " ".join(_UNUSUAL.sub(" ", text[:60]).split())


def mapped(data: Mapping[str, Any], change: Any, key: str = "") -> dict[str, Any]:
    """Return the object with `change(key, text)` applied to every text in it; a list's texts go by the list's key."""

    def walk(value: Any, name: str) -> Any:
        if isinstance(value, str):
            return change(name, value)
        if isinstance(value, Mapping):
            return {inner: walk(one, inner) for inner, one in value.items()}
        return [walk(one, name) for one in value] if isinstance(value, list) else value

    return {name: walk(value, name) for name, value in data.items()}
