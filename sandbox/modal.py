"""Checks a modal an application shows: title, labels, inputs. Knows nothing of how it is filled."""

from __future__ import annotations

from sandbox.components import SELECTS, Kind, check_custom_id, check_options, check_select
from sandbox.wire import Form, Json

_IN_LABEL = SELECTS | {Kind.TEXT_INPUT, Kind.FILE_UPLOAD, Kind.RADIO_GROUP, Kind.CHECKBOX_GROUP, Kind.CHECKBOX}


def check(form: Form, path: str, modal: Json) -> None:
    """Note what is wrong with a modal."""
    form.text(f"{path}.title", modal.get("title"), 45, 1)
    form.text(f"{path}.custom_id", modal.get("custom_id"), 100, 1)
    parts = modal.get("components") or []
    form.length(f"{path}.components", len(parts), 5, 1)
    seen: set[str] = set()
    for index, part in enumerate(parts):
        _check_part(form, f"{path}.components.{index}", part, seen)


def _check_part(form: Form, path: str, part: Json, seen: set[str]) -> None:
    match part.get("type"):
        case Kind.ROW:
            inner = part.get("components") or []
            form.length(f"{path}.components", len(inner), 1, 1)
            for child in inner:
                if child.get("type") != Kind.TEXT_INPUT:
                    form.refuse(
                        f"{path}.components.0", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (4,).'
                    )
                else:
                    form.text(f"{path}.components.0.label", child.get("label"), 45, 1)
                    _check_input(form, f"{path}.components.0", child, seen)
        case Kind.LABEL:
            form.text(f"{path}.label", part.get("label"), 45, 1)
            form.text(f"{path}.description", part.get("description"), 100)
            child = part.get("component")
            if not isinstance(child, dict) or child.get("type") not in _IN_LABEL:
                form.refuse(f"{path}.component", "UNION_TYPE_CHOICES", "This component is not allowed in a label.")
            else:
                _check_input(form, f"{path}.component", child, seen)
        case Kind.TEXT:
            form.text(f"{path}.content", part.get("content"), 4000, 1)
        case _:
            form.refuse(path, "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')


def _check_input(form: Form, path: str, field: Json, seen: set[str]) -> None:
    check_custom_id(form, path, field, seen)
    match field["type"]:
        case Kind.TEXT_INPUT:
            if field.get("style") not in (1, 2):
                form.refuse(f"{path}.style", "BASE_TYPE_CHOICES", "Value must be one of {1, 2}.")
            form.text(f"{path}.placeholder", field.get("placeholder"), 100)
            form.text(f"{path}.value", field.get("value"), field.get("max_length") or 4000)
            form.number(f"{path}.min_length", field.get("min_length") or 0, 0, 4000)
            form.number(f"{path}.max_length", field.get("max_length") or 4000, 1, 4000)
        case Kind.FILE_UPLOAD:
            form.number(f"{path}.min_values", field.get("min_values"), 0, 10)
            form.number(f"{path}.max_values", field.get("max_values"), 1, 10)
        case Kind.RADIO_GROUP:
            check_options(form, f"{path}.options", field.get("options") or [], 2, 10)
        case Kind.CHECKBOX_GROUP:
            check_options(form, f"{path}.options", field.get("options") or [], 1, 10)
        case Kind.CHECKBOX:
            return
        case _:
            check_select(form, path, field)
