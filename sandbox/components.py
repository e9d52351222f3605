"""Checks the components of messages: rows, selects, Components V2, counts and custom ids. Modals check themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from sandbox import limits
from sandbox.message import media_of, walk
from sandbox.wire import Form, Json


class Kind(IntEnum):
    """Component types."""

    ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT = 10
    THUMBNAIL = 11
    GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


SELECTS = frozenset(range(Kind.USER_SELECT, Kind.CHANNEL_SELECT + 1)) | {Kind.STRING_SELECT}
_TOP_V2 = frozenset({Kind.ROW, Kind.SECTION, Kind.TEXT, Kind.GALLERY, Kind.FILE, Kind.SEPARATOR, Kind.CONTAINER})
_IN_CONTAINER = _TOP_V2 - {Kind.CONTAINER}
MAX_V2 = 40
MAX_ROWS = 5


@dataclass
class _Seen:
    """What must be counted over the whole message."""

    v2: bool
    custom_ids: set[str] = field(default_factory=set)
    text: int = 0


def check(form: Form, path: str, components: object, *, v2: bool, files: set[str]) -> None:
    """Note what is wrong with a message's components; `files` are the names `attachment://` may point to."""
    if components is None:
        return
    if not isinstance(components, list) or not all(isinstance(item, dict) for item in components):
        form.refuse(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return
    seen = _Seen(v2)
    if not v2:
        form.length(path, len(components), MAX_ROWS)
    elif sum(1 for _ in walk(components)) > MAX_V2:
        form.refuse(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_V2} or fewer in length.")
    for index, component in enumerate(components):
        _check_one(form, f"{path}.{index}", component, _TOP_V2 if v2 else frozenset({Kind.ROW}), seen)
    if seen.text > limits.V2_TEXT:
        message = f"The total text of all components must be {limits.V2_TEXT} or fewer characters."
        form.refuse(path, "COMPONENT_MAX_TOTAL_COMPONENT_TEXT_SIZE_EXCEEDED", message)
    for media in media_of(components):
        if media["url"].startswith("attachment://") and media["url"].removeprefix("attachment://") not in files:
            code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
            form.refuse(path, code, f"The referenced attachment {media['url']} was not found")


def _check_one(form: Form, path: str, component: Json, allowed: frozenset[Kind], seen: _Seen) -> None:
    kind = component.get("type")
    if kind not in allowed:
        choices = ", ".join(str(int(one)) for one in sorted(allowed))
        form.refuse(path, "UNION_TYPE_CHOICES", f'Value of field "type" must be one of ({choices},).')
        return
    match Kind(kind):
        case Kind.ROW:
            _check_row(form, path, component, seen)
        case Kind.BUTTON:
            _check_button(form, path, component, seen)
        case Kind.SECTION:
            _check_section(form, path, component, seen)
        case Kind.TEXT:
            content = component.get("content")
            form.text(f"{path}.content", content, limits.V2_TEXT, 1)
            seen.text += len(content) if isinstance(content, str) else 0
        case Kind.GALLERY:
            _check_gallery(form, path, component)
        case Kind.THUMBNAIL:
            form.text(f"{path}.description", component.get("description"), limits.ALT_TEXT)
        case Kind.CONTAINER:
            _check_children(form, path, component, _IN_CONTAINER, seen)
        case Kind.FILE:
            if not str((component.get("file") or {}).get("url", "")).startswith("attachment://"):
                form.refuse(f"{path}.file.url", "URL_TYPE_INVALID_SCHEME", "Only attachment:// is allowed here.")
        case select if select in SELECTS:
            check_select(form, path, component)
            check_custom_id(form, path, component, seen.custom_ids)
        case _:
            return


def _check_children(form: Form, path: str, component: Json, allowed: frozenset[Kind], seen: _Seen) -> None:
    children = component.get("components") or []
    if not children:
        form.refuse(f"{path}.components", "BASE_TYPE_REQUIRED", "This field is required")
    for index, child in enumerate(children):
        _check_one(form, f"{path}.components.{index}", child, allowed, seen)


def _check_row(form: Form, path: str, row: Json, seen: _Seen) -> None:
    children = row.get("components") or []
    form.length(f"{path}.components", len(children), 5, 1)
    has_select = any(child.get("type") in SELECTS for child in children)
    if has_select and len(children) > 1:
        form.refuse(f"{path}.components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The components are too wide for one row")
    allowed = frozenset({Kind.BUTTON}) | {Kind(kind) for kind in SELECTS}
    _check_children(form, path, row, allowed, seen)


def _check_button(form: Form, path: str, button: Json, seen: _Seen) -> None:
    style = button.get("style")
    if style not in range(1, 7):
        form.refuse(f"{path}.style", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    form.text(f"{path}.label", button.get("label"), 80)
    if style == 5:
        form.text(f"{path}.url", button.get("url"), 512, 1)
        if "custom_id" in button:
            message = "A custom id and url cannot both be specified"
            form.refuse(f"{path}.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message)
    elif style != 6:
        check_custom_id(form, path, button, seen.custom_ids)
        if not button.get("label") and not button.get("emoji"):
            form.refuse(path, "COMPONENT_BUTTON_LABEL_OR_EMOJI_REQUIRED", "A button needs a label or an emoji")


def _check_section(form: Form, path: str, section: Json, seen: _Seen) -> None:
    children = section.get("components") or []
    form.length(f"{path}.components", len(children), 3, 1)
    _check_children(form, path, section, frozenset({Kind.TEXT}), seen)
    accessory = section.get("accessory")
    if not isinstance(accessory, dict):
        form.refuse(f"{path}.accessory", "BASE_TYPE_REQUIRED", "This field is required")
    else:
        _check_one(form, f"{path}.accessory", accessory, frozenset({Kind.BUTTON, Kind.THUMBNAIL}), seen)


def _check_gallery(form: Form, path: str, gallery: Json) -> None:
    items = gallery.get("items") or []
    form.length(f"{path}.items", len(items), 10, 1)
    for index, item in enumerate(items):
        form.text(f"{path}.items.{index}.description", item.get("description"), limits.ALT_TEXT)
        if not isinstance(item.get("media"), dict):
            form.refuse(f"{path}.items.{index}.media", "BASE_TYPE_REQUIRED", "This field is required")


def check_custom_id(form: Form, path: str, component: Json, seen: set[str]) -> None:
    """Note a custom id that is missing, too long or used twice."""
    custom_id = component.get("custom_id")
    if not form.text(f"{path}.custom_id", custom_id, 100, 1):
        return
    if str(custom_id) in seen:
        message = "Component custom id cannot be duplicated"
        form.refuse(f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    seen.add(str(custom_id))


def check_select(form: Form, path: str, select: Json) -> None:
    """Note what is wrong with a select menu."""
    form.text(f"{path}.placeholder", select.get("placeholder"), 150)
    form.number(f"{path}.min_values", select.get("min_values"), 0, 25)
    form.number(f"{path}.max_values", select.get("max_values"), 1, 25)
    if select["type"] == Kind.STRING_SELECT:
        check_options(form, f"{path}.options", select.get("options") or [], 1, 25)


def counts(component: Json) -> tuple[int, int]:
    """How many values a select, group or upload takes, at least and at most; both are 1 where nothing is said."""
    minimum, maximum = component.get("min_values"), component.get("max_values")
    return (1 if minimum is None else minimum), (1 if maximum is None else maximum)


def check_options(form: Form, path: str, options: list[Json], minimum: int, maximum: int) -> None:
    """Note what is wrong with the options of a select or group."""
    form.length(path, len(options), maximum, minimum)
    values: set[object] = set()
    for index, option in enumerate(options):
        form.text(f"{path}.{index}.label", option.get("label"), 100, 1)
        form.text(f"{path}.{index}.value", option.get("value"), 100, 1)
        form.text(f"{path}.{index}.description", option.get("description"), 100)
        if option.get("value") in values:
            message = "The specified option value is already used"
            form.refuse(f"{path}.{index}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        values.add(option.get("value"))
