"""A modal as the member sees it, and how it is filled in with the client's own checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.client_rules import ClientRefused, Upload
from sandbox.components import Kind, counts
from sandbox.entities import Entities, Wanted
from sandbox.interaction import Interaction
from sandbox.message import Attachment
from sandbox.wire import Json


@dataclass(frozen=True)
class ModalField:
    """One input with the words above it."""

    label: str
    description: str
    component: Json

    @property
    def custom_id(self) -> str:
        """The id the application knows it by."""
        return str(self.component["custom_id"])

    @property
    def kind(self) -> Kind:
        """What kind of input it is."""
        return Kind(self.component["type"])

    @property
    def value(self) -> str:
        """The text it opens with."""
        return str(self.component.get("value") or "")

    @property
    def required(self) -> bool:
        """True unless it may stay empty."""
        return self.component.get("required", True) is not False


@dataclass(frozen=True)
class Modal:
    """A modal shown to a member."""

    interaction: Interaction
    """What opened it."""
    payload: Json

    @property
    def title(self) -> str:
        """Its heading."""
        return str(self.payload["title"])

    @property
    def custom_id(self) -> str:
        """The id the application knows it by."""
        return str(self.payload["custom_id"])

    @property
    def fields(self) -> list[ModalField]:
        """Its inputs, top to bottom."""
        return [shown for part in self.payload["components"] if (shown := _field(part)) is not None]

    def field(self, name: str) -> ModalField:
        """An input by label or custom id. Raises KeyError."""
        for shown in self.fields:
            if name in (shown.label, shown.custom_id):
                return shown
        raise KeyError(name)


def _field(part: Json) -> ModalField | None:
    if part["type"] == Kind.ROW:
        child = part["components"][0]
        return ModalField(str(child.get("label") or ""), "", child)
    if part["type"] == Kind.LABEL:
        return ModalField(str(part["label"]), str(part.get("description") or ""), part["component"])
    return None


class ModalAnswers:
    """Turns what a member typed into the components of a submit."""

    def __init__(
        self, modal: Modal, values: Mapping[str, Any], store: Callable[[Upload], Attachment], entities: Entities
    ) -> None:
        self._modal = modal
        self._values = values
        self._store = store
        self._entities = entities
        self.stored: list[Attachment] = []
        """Files uploaded with it."""

    def components(self) -> list[Json]:
        """The submitted components. Raises ClientRefused."""
        known = {name for shown in self._modal.fields for name in (shown.label, shown.custom_id)}
        if unknown := set(self._values) - known:
            raise ClientRefused("unknown_field", f"The form has no field {sorted(unknown)[0]}.")
        return [self._part(part) for part in self._modal.payload["components"]]

    def _part(self, part: Json) -> Json:
        shown = _field(part)
        base: Json = {"type": part["type"], "id": part.get("id", 0)}
        if shown is None:
            return base
        answer = self._answer(shown)
        return base | ({"components": [answer]} if part["type"] == Kind.ROW else {"component": answer})

    def _answer(self, shown: ModalField) -> Json:
        given = self._values.get(shown.label, self._values.get(shown.custom_id))
        answer: Json = {"type": int(shown.kind), "custom_id": shown.custom_id, "id": shown.component.get("id", 0)}
        if shown.kind is Kind.TEXT_INPUT:
            return answer | {"value": _typed(shown, shown.value if given is None else str(given))}
        if shown.kind is Kind.CHECKBOX:
            return answer | {"value": bool(shown.component.get("default") if given is None else given)}
        if shown.kind is Kind.RADIO_GROUP:
            chosen = self._chosen(shown, [] if given is None else [given], 1)
            return answer | {"value": chosen[0] if chosen else None}
        if shown.kind is Kind.FILE_UPLOAD:
            return answer | {"values": self._files(shown, _several(given))}
        return answer | {"values": self._chosen(shown, _several(given), _most(shown))}

    def _files(self, shown: ModalField, files: Sequence[Any]) -> list[str]:
        minimum, maximum = counts(shown.component)
        _check_count(shown, len(files), minimum if shown.required else 0, maximum)
        stored = [self._store(file) for file in files]
        self.stored += stored
        return [str(file.id) for file in stored]

    def _chosen(self, shown: ModalField, given: Sequence[Any], maximum: int) -> list[str]:
        options = shown.component.get("options") or []
        if not given:
            given = [option["value"] for option in options if option.get("default")]
        minimum, _ = counts(shown.component)
        _check_count(shown, len(given), minimum if shown.required else 0, maximum)
        return [choose(shown.component, one, shown.label, self._entities) for one in given]


def choose(component: Json, given: Any, name: str, entities: Entities) -> str:
    """The value of an option named by value or label, or the id of a user, role or channel. Raises ClientRefused."""
    if (wanted := _ENTITIES.get(component["type"])) is not None:
        found = entities.name(given, replace(wanted, channel_types=tuple(component.get("channel_types") or ())))
        if found is not None:
            return found
    for option in component.get("options") or []:
        if str(given) in (str(option["value"]), str(option["label"])):
            return str(option["value"])
    raise ClientRefused("choice", f"{name}: “{given}” is not one of the choices.")


_ENTITIES = {
    Kind.USER_SELECT: Wanted(users=True),
    Kind.ROLE_SELECT: Wanted(roles=True),
    Kind.MENTIONABLE_SELECT: Wanted(users=True, roles=True),
    Kind.CHANNEL_SELECT: Wanted(channels=True),
}


def _most(shown: ModalField) -> int:
    """How many may be chosen: all boxes of a group unless it says otherwise, one of a select."""
    if shown.kind is Kind.CHECKBOX_GROUP and shown.component.get("max_values") is None:
        return len(shown.component["options"])
    return counts(shown.component)[1]


def _several(given: Any) -> Sequence[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _check_count(shown: ModalField, count: int, minimum: int, maximum: int) -> None:
    if not minimum <= count <= maximum:
        raise ClientRefused("count", f"{shown.label}: choose between {minimum} and {maximum}.")


def _typed(shown: ModalField, text: str) -> str:
    minimum, maximum = shown.component.get("min_length") or 0, shown.component.get("max_length") or 4000
    if not text and shown.required:
        raise ClientRefused("required", f"{shown.label}: this field is required.")
    if text and not minimum <= len(text) <= maximum:
        raise ClientRefused("length", f"{shown.label}: must be between {minimum} and {maximum} in length.")
    return text
