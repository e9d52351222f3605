"""Users, roles and channels that members name in options, selects and forms, and the JSON the bot is told of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.guild import Guild
from sandbox.payloads import channel_json, member_json, role_json, user_json
from sandbox.wire import Json, snowflake_or_none
from sandbox.world import World

Resolved = dict[str, dict[str, Json]]


@dataclass(frozen=True)
class Wanted:
    """What kinds of things may be named, and which kinds of channels (none: all)."""

    users: bool = False
    roles: bool = False
    channels: bool = False
    channel_types: tuple[int, ...] = ()


@dataclass
class Entities:
    """Collects what is named in one interaction of one guild, or of direct messages for None."""

    world: World
    guild: Guild | None
    resolved: Resolved = field(default_factory=dict)

    def name(self, given: Any, wanted: Wanted) -> str | None:
        """The id of a noun or id as it is sent, noted in `resolved`; None if there is no such thing here."""
        id_ = snowflake_or_none(getattr(given, "id", given)) or 0
        found = (
            (wanted.users and self._user(id_))
            or (wanted.roles and self._role(id_))
            or (wanted.channels and self._channel(id_, wanted.channel_types))
        )
        return str(id_) if found else None

    def _note(self, kind: str, id_: int, shown: Json) -> bool:
        self.resolved.setdefault(kind, {})[str(id_)] = shown
        return True

    def _user(self, id_: int) -> bool:
        user = self.world.users.get(id_)
        if user is None:
            return False
        if self.guild and id_ in self.guild.members:
            member = self.guild.members[id_]
            self._note("members", id_, {**member_json(member, with_user=False), "permissions": "0"})
        return self._note("users", id_, user_json(user))

    def _role(self, id_: int) -> bool:
        role = self.guild.roles.get(id_) if self.guild else None
        return role is not None and self._note("roles", id_, role_json(role))

    def _channel(self, id_: int, types: tuple[int, ...]) -> bool:
        channel = self.guild.channels.get(id_) if self.guild else None
        if channel is None or (types and int(channel.type) not in types):
            return False
        return self._note("channels", id_, {**channel_json(self.world, channel), "permissions": "0"})
