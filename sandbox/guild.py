"""Who and where: users, roles, members, channels, threads and the guild. Plain nouns, without JSON or rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.permissions import EVERYONE, NOTHING, Permission


class ChannelType(IntEnum):
    """Discord's channel kinds, as far as this world has them."""

    TEXT = 0
    DM = 1
    GROUP_DM = 3
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


THREAD_TYPES = frozenset(
    {ChannelType.ANNOUNCEMENT_THREAD, ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD},
)


@dataclass(eq=False)
class User:
    """An account."""

    id: int
    name: str
    bot: bool = False
    accepts_dms: bool = True
    avatar: str | None = None
    """The hash of their own picture; None while they have none."""

    @property
    def mention(self) -> str:
        """How content names this user."""
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    """A role; its id is the guild's for @everyone."""

    id: int
    name: str
    permissions: Permission = NOTHING
    position: int = 0
    managed_by: int | None = None
    """The bot this role was made for at its invitation."""
    mentionable: bool = False


@dataclass(eq=False)
class GuildMember:
    """A user in a guild."""

    user: User
    joined_at: float
    role_ids: set[int] = field(default_factory=set)
    nick: str | None = None


@dataclass
class Overwrite:
    """What one role or member is granted and refused in one channel."""

    allow: Permission = NOTHING
    deny: Permission = NOTHING
    is_role: bool = True


@dataclass
class ThreadState:
    """What a thread has beyond a channel. Times are seconds since 1970."""

    owner_id: int
    created_at: float
    active_at: float
    auto_archive_min: int = 4320
    archived: bool = False
    archived_at: float = 0.0
    locked: bool = False
    invitable: bool = True
    member_ids: set[int] = field(default_factory=set)
    message_count: int = 0


@dataclass(eq=False)
class Channel:
    """A text channel, a thread or a direct message."""

    id: int
    name: str
    type: ChannelType = ChannelType.TEXT
    guild_id: int | None = None
    parent_id: int | None = None
    topic: str | None = None
    nsfw: bool = False
    position: int = 0
    slowmode_s: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    recipients: tuple[User, ...] = ()
    """Everybody in a direct message."""
    thread: ThreadState | None = None
    last_message_id: int | None = None

    @property
    def is_thread(self) -> bool:
        """True for threads of any kind."""
        return self.type in THREAD_TYPES

    @property
    def is_dm(self) -> bool:
        """True for direct messages, of a group too."""
        return self.type in (ChannelType.DM, ChannelType.GROUP_DM)


@dataclass(eq=False)
class Guild:
    """A server with its members, roles and channels (threads included)."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, GuildMember] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    premium_tier: int = 0
    locale: str = "en-US"

    def __post_init__(self) -> None:
        self.roles.setdefault(self.id, Role(self.id, "@everyone", EVERYONE))

    def threads(self) -> list[Channel]:
        """Threads, archived ones included, oldest first."""
        return [channel for channel in self.channels.values() if channel.is_thread]
