"""What Discord's own client refuses before anything is sent: options that do not fit the registered command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.command import RegisteredCommand
from sandbox.entities import Entities, Wanted
from sandbox.message import Attachment
from sandbox.payloads import attachment_json
from sandbox.wire import Json
from sandbox.world import World

_LARGEST = 2**53 - 1
_SUB, _GROUP, _STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _MENTIONABLE, _NUMBER, _FILE = range(1, 12)


class ClientRefused(Exception):
    """The member's own client would not send this; `code` names the rule."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Upload:
    """A file a member attaches."""

    filename: str
    data: bytes
    description: str | None = None


@dataclass
class Filled:
    """Options as they go out, and what their ids stand for."""

    options: list[Json] = field(default_factory=list)
    resolved: dict[str, dict[str, Json]] = field(default_factory=dict)


class Form:
    """Fills a command's options with what a member typed, in one guild or in direct messages."""

    def __init__(self, world: World, guild_id: int | None, store: Callable[[Upload], Attachment]) -> None:
        self._world = world
        self._guild = world.guilds.get(guild_id or 0)
        self._store = store

    def fill(self, command: RegisteredCommand, path: list[str], values: Mapping[str, Any]) -> Filled:
        """Options of a command or, with a path, of one of its subcommands. Raises ClientRefused."""
        filled = Filled()
        filled.options = self._nest(filled, command.name, command.options, path, values)
        return filled

    def _nest(
        self, filled: Filled, name: str, options: list[Json], path: list[str], values: Mapping[str, Any]
    ) -> list[Json]:
        if path:
            return [self._sub(filled, name, options, path, values)]
        if any(option["type"] in (_SUB, _GROUP) for option in options):
            raise ClientRefused("subcommand", f"/{name} needs one of its subcommands.")
        unknown = set(values) - {option["name"] for option in options}
        if unknown:
            raise ClientRefused("unknown_option", f"/{name} has no option {sorted(unknown)[0]}.")
        return [sent for option in options if (sent := self._value(filled, option, values)) is not None]

    def _sub(self, filled: Filled, name: str, options: list[Json], path: list[str], values: Mapping[str, Any]) -> Json:
        for option in options:
            if option["name"] == path[0] and option["type"] in (_SUB, _GROUP):
                inner = self._nest(filled, f"{name} {path[0]}", option.get("options") or [], path[1:], values)
                return {"name": path[0], "type": option["type"], "options": inner}
        raise ClientRefused("unknown_command", f"There is no /{name} {path[0]}.")

    def _value(self, filled: Filled, option: Json, values: Mapping[str, Any]) -> Json | None:
        given = values.get(option["name"])
        if given is None or given == "":
            if option.get("required"):
                raise ClientRefused("required", f"{option['name']}: this option is required. Specify a value.")
            return None
        return {"name": option["name"], "type": option["type"], "value": self._convert(filled, option, given)}

    def _convert(self, filled: Filled, option: Json, given: Any) -> Any:
        kind = option["type"]
        if option.get("choices"):
            return _choice(option, given)
        if kind == _STRING:
            return _text(option, given)
        if kind in (_INTEGER, _NUMBER):
            return _number(option, given)
        if kind == _BOOLEAN:
            return _boolean(option, given)
        if kind == _FILE:
            return self._file(filled, option, given)
        return self._entity(filled, option, given)

    def _file(self, filled: Filled, option: Json, given: Any) -> str:
        if not isinstance(given, Upload):
            raise ClientRefused("attachment", f"{option['name']}: attach a file.")
        stored = self._store(given)
        filled.resolved.setdefault("attachments", {})[str(stored.id)] = attachment_json(self._world, stored)
        return str(stored.id)

    def _entity(self, filled: Filled, option: Json, given: Any) -> str:
        """A user, channel or role by id, or by the noun itself."""
        kind = option["type"]
        wanted = Wanted(
            users=kind in (_USER, _MENTIONABLE),
            roles=kind in (_ROLE, _MENTIONABLE),
            channels=kind == _CHANNEL,
            channel_types=tuple(option.get("channel_types") or ()),
        )
        named = Entities(self._world, self._guild, filled.resolved).name(given, wanted)
        if named is None:
            raise ClientRefused("unknown_entity", f"{option['name']}: nothing here has that name.")
        return named


def _choice(option: Json, given: Any) -> Any:
    for choice in option["choices"]:
        if str(given) in (str(choice["name"]), str(choice["value"])):
            return choice["value"]
    raise ClientRefused("choice", f"{option['name']}: “{given}” is not one of the choices.")


def _text(option: Json, given: Any) -> str:
    text = str(given)
    minimum, maximum = option.get("min_length") or 0, option.get("max_length") or 6000
    if len(text) < minimum:
        raise ClientRefused("min_length", f"{option['name']}: the minimum length is {minimum}.")
    if len(text) > maximum:
        raise ClientRefused("max_length", f"{option['name']}: the maximum length is {maximum}.")
    return text


def _number(option: Json, given: Any) -> int | float:
    name, whole = option["name"], option["type"] == _INTEGER
    try:
        value: int | float = int(str(given)) if whole else float(str(given))
    except ValueError:
        raise ClientRefused("number", f"{name}: “{given}” is not a{' whole' if whole else ''} number.") from None
    minimum, maximum = option.get("min_value"), option.get("max_value")
    if value < (-_LARGEST if minimum is None else minimum):
        raise ClientRefused("min_value", f"{name}: must be at least {minimum}.")
    if value > (_LARGEST if maximum is None else maximum):
        raise ClientRefused("max_value", f"{name}: must be at most {maximum}.")
    return value


def _boolean(option: Json, given: Any) -> bool:
    known = {"true": True, "false": False}.get(str(given).lower())
    if known is None:
        raise ClientRefused("boolean", f"{option['name']}: choose True or False.")
    return known
