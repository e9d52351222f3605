"""What Discord accepts as a command: names, counts, option kinds, order and sizes."""

from __future__ import annotations

import unicodedata

from sandbox.wire import ApiError, Form, Json

MAX_COMMANDS = {1: 100, 2: 15, 3: 15}
"""Commands per scope by type: chat input, user menu, message menu."""
MAX_CHARACTERS = 8000
_SUB, _GROUP, _STRING, _INTEGER, _NUMBER = 1, 2, 3, 4, 10
_NAMES = {"ascii": "-_'"}


def check_all(payloads: list[Json]) -> None:
    """Check a bulk overwrite. Raises ApiError 50035 with one error tree per command, or 30032."""
    form = Form()
    seen: set[tuple[int, object]] = set()
    for index, payload in enumerate(payloads):
        _check_command(form, f"{index}.", payload)
        key = (payload.get("type") or 1, payload.get("name"))
        if key in seen:
            message = "Application command names must be unique"
            form.refuse(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        seen.add(key)
    form.check()
    check_counts(payloads)


def check_one(payload: Json) -> None:
    """Check one command. Raises ApiError 50035."""
    form = Form()
    _check_command(form, "", payload)
    form.check()


def check_counts(payloads: list[Json]) -> None:
    """Check how many commands of each type a scope has. Raises ApiError 30032."""
    for kind, maximum in MAX_COMMANDS.items():
        if sum((payload.get("type") or 1) == kind for payload in payloads) > maximum:
            raise ApiError(30032, message=f"Maximum number of application commands reached ({maximum})")


def is_name(text: object) -> bool:
    """True for 1-32 lower-case letters, digits, `-`, `_` and `'` of any script."""
    if not isinstance(text, str) or not 1 <= len(text) <= 32 or text != text.lower():
        return False
    return all(char in _NAMES["ascii"] or unicodedata.category(char)[0] in "LNM" for char in text)


def _check_command(form: Form, prefix: str, payload: Json) -> None:
    kind = payload.get("type") or 1
    if kind not in MAX_COMMANDS:
        form.refuse(f"{prefix}type", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3}.")
        return
    if kind != 1:
        form.text(f"{prefix}name", payload.get("name"), 32, 1)
        for key in ("description", "options"):
            if payload.get(key):
                message = "Context menu commands cannot have a description or options"
                form.refuse(f"{prefix}{key}", "APPLICATION_COMMAND_CONTEXT_MENU_FIELD_INVALID", message)
        return
    _check_name(form, f"{prefix}name", payload.get("name"))
    form.text(f"{prefix}description", payload.get("description"), 100, 1)
    _check_options(form, f"{prefix}options", payload.get("options") or [], depth=0)
    if _characters(payload) > MAX_CHARACTERS:
        message = f"Command exceeds maximum size ({MAX_CHARACTERS})"
        form.refuse(f"{prefix}description", "APPLICATION_COMMAND_TOO_LARGE", message)


def _check_name(form: Form, path: str, name: object) -> None:
    if form.text(path, name, 32, 1) and not is_name(name):
        form.refuse(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(form: Form, path: str, options: list[Json], depth: int) -> None:
    form.length(path, len(options), 25)
    names: set[object] = set()
    optional_seen = False
    nested = [option.get("type") in (_SUB, _GROUP) for option in options]
    if any(nested) and not all(nested):
        message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        form.refuse(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    for index, option in enumerate(options):
        at = f"{path}.{index}"
        if option.get("name") in names:
            form.refuse(at, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
        names.add(option.get("name"))
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            form.refuse(at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen |= not option.get("required") and option.get("type") not in (_SUB, _GROUP)
        _check_option(form, at, option, depth)


def _check_option(form: Form, path: str, option: Json, depth: int) -> None:
    kind = option.get("type")
    _check_name(form, f"{path}.name", option.get("name"))
    form.text(f"{path}.description", option.get("description"), 100, 1)
    if kind not in range(1, 12):
        form.refuse(f"{path}.type", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.")
    elif kind in (_SUB, _GROUP):
        if depth > 1 or (kind == _GROUP and depth > 0):
            message = "Sub-commands and groups cannot be nested this deep"
            form.refuse(f"{path}.type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        else:
            _check_options(form, f"{path}.options", option.get("options") or [], depth + 1)
    else:
        _check_value_rules(form, path, option)


def _check_value_rules(form: Form, path: str, option: Json) -> None:
    kind = option["type"]
    choices = option.get("choices") or []
    form.length(f"{path}.choices", len(choices), 25)
    if choices and option.get("autocomplete"):
        message = "An option cannot have both choices and autocomplete"
        form.refuse(f"{path}.autocomplete", "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", message)
    if (choices or option.get("autocomplete")) and kind not in (_STRING, _INTEGER, _NUMBER):
        form.refuse(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "This option type takes no choices")
    for index, choice in enumerate(choices):
        form.text(f"{path}.choices.{index}.name", choice.get("name"), 100, 1)
        check_choice_value(form, f"{path}.choices.{index}.value", choice.get("value"), kind)
    for key in ("min_length", "max_length"):
        if option.get(key) is not None:
            form.number(f"{path}.{key}", option[key], 0 if key == "min_length" else 1, 6000)
            if kind != _STRING:
                form.refuse(f"{path}.{key}", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only strings have a length")
    for key in ("min_value", "max_value"):
        if option.get(key) is not None and kind not in (_INTEGER, _NUMBER):
            form.refuse(f"{path}.{key}", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only numbers have a range")


def check_choice_value(form: Form, path: str, value: object, kind: int) -> None:
    """Note a choice whose value does not fit the option's type (3 string, 4 integer, 10 number)."""
    if kind == _STRING:
        form.text(path, value, 100, 1)
    elif isinstance(value, bool) or not isinstance(value, int if kind == _INTEGER else int | float):
        form.refuse(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not a number.')


def _characters(node: Json) -> int:
    """Characters of names, descriptions and values; of each text the longest localisation counts."""
    total = 0
    for key in ("name", "description"):
        texts = [str(node.get(key) or ""), *(node.get(f"{key}_localizations") or {}).values()]
        total += max(len(text) for text in texts)
    if isinstance(node.get("value"), str):
        total += len(node["value"])
    return total + sum(_characters(part) for key in ("options", "choices") for part in node.get(key) or [])


def unknown_scope() -> ApiError:
    """The answer to a guild the application is not in."""
    return ApiError(50001)
