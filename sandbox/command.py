"""The commands an application registered, global and per guild. What may be registered is checked in command_rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox import command_rules
from sandbox.clock import Clock
from sandbox.snowflakes import Snowflakes
from sandbox.wire import ApiError, Json

_DAY_S = 86400.0
CREATES_PER_DAY = 200


@dataclass(eq=False)
class RegisteredCommand:
    """One command as it was sent, with its id and version."""

    id: int
    version: int
    guild_id: int | None
    payload: Json
    """Name, type, description, options and settings, as sent."""

    @property
    def name(self) -> str:
        """The name members type or pick."""
        return str(self.payload["name"])

    @property
    def type(self) -> int:
        """1 chat input, 2 user menu, 3 message menu."""
        return int(self.payload.get("type") or 1)

    @property
    def options(self) -> list[Json]:
        """Options, subcommands and groups."""
        return list(self.payload.get("options") or [])

    @property
    def contexts(self) -> list[int]:
        """Where it may be used: 0 guild, 1 direct message with the bot, 2 other direct messages."""
        contexts = self.payload.get("contexts")
        if contexts is None:
            return [0] if self.payload.get("dm_permission") is False else [0, 1, 2]
        return list(contexts)

    @property
    def integration_types(self) -> list[int]:
        """By whose installation it may be used: 0 a guild's, 1 a user's own."""
        return list(self.payload.get("integration_types") or [0])

    def to_json(self, application_id: int) -> Json:
        """The command as the API returns it."""
        given = self.payload
        body: Json = {
            "id": str(self.id),
            "application_id": str(application_id),
            "version": str(self.version),
            "default_member_permissions": given.get("default_member_permissions"),
            "type": self.type,
            "name": self.name,
            "name_localizations": given.get("name_localizations"),
            "description": given.get("description") or "",
            "description_localizations": given.get("description_localizations"),
            "dm_permission": 1 in self.contexts,
            "contexts": given.get("contexts"),
            "integration_types": self.integration_types,
            "nsfw": bool(given.get("nsfw")),
        }
        if self.options:
            body["options"] = self.options
        if self.guild_id is not None:
            body["guild_id"] = str(self.guild_id)
        return body


class CommandRegistry:
    """Registered commands by scope: None for global ones, else a guild's id."""

    def __init__(self, snowflakes: Snowflakes, clock: Clock) -> None:
        self._snowflakes = snowflakes
        self._clock = clock
        self._scopes: dict[int | None, dict[int, RegisteredCommand]] = {}
        self._created_at: dict[int | None, list[float]] = {}

    def all(self, guild_id: int | None = None) -> list[RegisteredCommand]:
        """The commands of one scope, in the order they were registered."""
        return list(self._scopes.get(guild_id, {}).values())

    def __iter__(self) -> Iterator[RegisteredCommand]:
        return iter([command for scope in self._scopes.values() for command in scope.values()])

    def __len__(self) -> int:
        return sum(len(scope) for scope in self._scopes.values())

    def offered(self, guild_id: int | None) -> list[RegisteredCommand]:
        """What members of a guild, or of direct messages for None, are offered; a guild's own command wins."""
        local = self.all(guild_id) if guild_id is not None else []
        names = {(command.type, command.name) for command in local}
        return local + [command for command in self.all() if (command.type, command.name) not in names]

    def find(self, name: str, guild_id: int | None, type: int = 1) -> RegisteredCommand | None:
        """The command members would reach by this name."""
        offered = self.offered(guild_id)
        return next((command for command in offered if (command.type, command.name) == (type, name)), None)

    def get(self, guild_id: int | None, command_id: int) -> RegisteredCommand:
        """One command. Raises ApiError 10063."""
        try:
            return self._scopes[guild_id][command_id]
        except KeyError:
            raise ApiError(10063) from None

    def overwrite(self, guild_id: int | None, payloads: Iterable[Json]) -> list[RegisteredCommand]:
        """Replace a whole scope; commands that keep name and type keep their id. Raises ApiError."""
        wanted = list(payloads)
        command_rules.check_all(wanted)
        known = {(command.type, command.name): command for command in self.all(guild_id)}
        self._count_creates(guild_id, [p for p in wanted if (p.get("type") or 1, p["name"]) not in known])
        kept = [self._register(guild_id, payload, known) for payload in wanted]
        self._scopes[guild_id] = {command.id: command for command in kept}
        return kept

    def create(self, guild_id: int | None, payload: Json) -> tuple[RegisteredCommand, bool]:
        """Register one command; one of the same name and type is replaced. Returns it and whether it is new."""
        command_rules.check_one(payload)
        known = {(command.type, command.name): command for command in self.all(guild_id)}
        is_new = (payload.get("type") or 1, payload["name"]) not in known
        if is_new:
            others = [command.payload for command in known.values()]
            command_rules.check_counts([*others, payload])
            self._count_creates(guild_id, [payload])
        command = self._register(guild_id, payload, known)
        self._scopes.setdefault(guild_id, {})[command.id] = command
        return command, is_new

    def edit(self, guild_id: int | None, command_id: int, changes: Json) -> RegisteredCommand:
        """Change some fields of a command. Raises ApiError."""
        command = self.get(guild_id, command_id)
        payload = {**command.payload, **changes}
        command_rules.check_one(payload)
        command.payload, command.version = payload, self._snowflakes.next()
        return command

    def delete(self, guild_id: int | None, command_id: int) -> None:
        """Take a command away. Raises ApiError 10063."""
        self.get(guild_id, command_id)
        del self._scopes[guild_id][command_id]

    def _register(
        self, guild_id: int | None, payload: Json, known: dict[tuple[int, str], RegisteredCommand]
    ) -> RegisteredCommand:
        command = known.get((payload.get("type") or 1, payload["name"]))
        if command is None:
            return RegisteredCommand(self._snowflakes.next(), self._snowflakes.next(), guild_id, payload)
        if command.payload != payload:
            command.payload, command.version = payload, self._snowflakes.next()
        return command

    def _count_creates(self, guild_id: int | None, new: list[Json]) -> None:
        now = self._clock.now()
        recent = [at for at in self._created_at.get(guild_id, []) if at > now - _DAY_S]
        if len(recent) + len(new) > CREATES_PER_DAY:
            raise ApiError(30034, retry_after=_DAY_S)
        self._created_at[guild_id] = recent + [now] * len(new)
