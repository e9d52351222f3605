"""The world: who is there, what was said, what the clock reads. Rules of posting and of HTTP live elsewhere.

Everything happens on one event loop and synchronously, so a change is whole before anybody hears of it.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sandbox import limits
from sandbox.cdn import Cdn
from sandbox.clock import Clock
from sandbox.command import CommandRegistry
from sandbox.faults import Faults
from sandbox.guild import Channel, ChannelType, Guild, GuildMember, Overwrite, Role, ThreadState, User
from sandbox.hub import Hub, Subscription
from sandbox.interaction import ACK_S, Interaction
from sandbox.message import Message
from sandbox.permissions import BOT, IN_DM, NOTHING, Permission, compute
from sandbox.rate_limits import RateLimits
from sandbox.snowflakes import Snowflakes

NONCE_WINDOW_S = 180.0
"""Seconds a nonce is remembered; Discord says “a few minutes”."""


@dataclass
class Application:
    """The bot's application and the switches its owner has in the developer portal."""

    id: int
    name: str
    message_content: bool = False
    guild_members: bool = False
    presences: bool = False
    user_install: bool = True
    """Whether members may add it to their account."""
    installed_by: set[int] = field(default_factory=set)
    """Users who added the application to their own account."""


@dataclass
class _Nonce:
    message: Message
    until: float


@dataclass
class World:
    """One bot, its guild and everything in it."""

    clock: Clock = field(default_factory=Clock)
    hub: Hub = field(default_factory=Hub)
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    interactions: dict[int, Interaction] = field(default_factory=dict)
    upload_limit_bytes: int | None = None
    """Bytes per file; None: by the guild's boost tier."""
    max_active_threads: int = limits.ACTIVE_THREADS
    ack_s: float = ACK_S
    """Seconds an application has for its first response; more where a busy machine is not to decide."""

    def __post_init__(self) -> None:
        self.snowflakes = Snowflakes(self.clock)
        self.cdn = Cdn(self.clock, self.snowflakes)
        self.commands = CommandRegistry(self.snowflakes, self.clock)
        self.faults = Faults(self.clock)
        self.rate_limits = RateLimits(self.clock)
        self._messages: dict[int, dict[int, Message]] = {}
        self._by_id: dict[int, Message] = {}
        self._nonces: dict[tuple[int, str], _Nonce] = {}
        self.bot = self.add_user("FLUX", bot=True)
        self.application = Application(self.bot.id, self.bot.name)
        self.token = _bot_token(self.bot.id)
        self.guild = self.add_guild("Sandbox")
        self.clock.on_advance(self._time_passed)

    @property
    def application_id(self) -> int:
        """The application's id; the bot user has the same one, as on Discord."""
        return self.application.id

    def add_user(self, name: str, *, bot: bool = False) -> User:
        """A new account."""
        user = User(self.snowflakes.next(), name, bot)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, *, with_bot: bool = True) -> Guild:
        """A new guild, with the bot and its managed role in it or without, owned by nobody who acts."""
        owner = self.add_user(f"{name.lower()}-owner")
        guild = Guild(self.snowflakes.next(), name, owner.id)
        self.guilds[guild.id] = guild
        self.join(guild, owner)
        if not with_bot:
            return guild
        role = self.add_role(guild, self.bot.name, BOT, managed_by=self.bot.id)
        self.join(guild, self.bot, role)
        return guild

    def add_role(self, guild: Guild, name: str, allowed: Permission, *, managed_by: int | None = None) -> Role:
        """A new role above the existing ones."""
        role = Role(self.snowflakes.next(), name, allowed, len(guild.roles), managed_by)
        guild.roles[role.id] = role
        return role

    def join(self, guild: Guild, user: User, *roles: Role) -> GuildMember:
        """Let a user into a guild."""
        member = GuildMember(user, self.clock.now(), {role.id for role in roles})
        guild.members[user.id] = member
        return member

    def add_channel(self, name: str, *, guild: Guild | None = None, nsfw: bool = False) -> Channel:
        """A new text channel, open to everybody."""
        guild = guild or self.guild
        channel = Channel(self.snowflakes.next(), name, guild_id=guild.id, nsfw=nsfw, position=len(guild.channels))
        self.keep_channel(channel)
        self.publish("CHANNEL_CREATE", channel)
        return channel

    def keep_channel(self, channel: Channel) -> None:
        """Make a channel, thread or direct message known."""
        self.channels[channel.id] = channel
        self._messages.setdefault(channel.id, {})
        if channel.guild_id is not None:
            self.guilds[channel.guild_id].channels[channel.id] = channel

    def dm(self, one: User, other: User) -> Channel:
        """The direct messages between two users; made at the first call."""
        for channel in self.channels.values():
            if channel.is_dm and {user.id for user in channel.recipients} == {one.id, other.id}:
                return channel
        channel = Channel(self.snowflakes.next(), "", ChannelType.DM, recipients=(one, other))
        self.keep_channel(channel)
        return channel

    def group(self, *users: User) -> Channel:
        """A new group of direct messages; no bot can be in one."""
        channel = Channel(self.snowflakes.next(), "group", ChannelType.GROUP_DM, recipients=users)
        self.keep_channel(channel)
        return channel

    def overwrite(
        self, channel: Channel, who: Role | User, *, allow: Permission = NOTHING, deny: Permission = NOTHING
    ) -> None:
        """Grant and refuse permissions to a role or member in one channel."""
        channel.overwrites[who.id] = Overwrite(allow, deny, isinstance(who, Role))
        self.publish("CHANNEL_UPDATE", channel)

    def guild_of(self, channel: Channel) -> Guild | None:
        """The guild of a channel; None for direct messages."""
        return self.guilds.get(channel.guild_id) if channel.guild_id is not None else None

    def permissions(self, user: User, channel: Channel) -> Permission:
        """What a user may do in a channel."""
        guild = self.guild_of(channel)
        if guild is not None:
            return compute(guild, user.id, channel)
        return IN_DM if user in channel.recipients else NOTHING

    def upload_limit(self, channel: Channel | None) -> int:
        """Bytes per file in a channel."""
        if self.upload_limit_bytes is not None:
            return self.upload_limit_bytes
        guild = self.guild_of(channel) if channel else None
        return limits.UPLOAD_BYTES[guild.premium_tier if guild else 0]

    # Looking things up, as tests do.

    def channel(self, name_or_id: str | int) -> Channel:
        """A channel or thread by name or id. Raises KeyError."""
        for channel in self.channels.values():
            if name_or_id in (channel.id, channel.name):
                return channel
        raise KeyError(name_or_id)

    def user(self, name: str) -> User:
        """A user by name. Raises KeyError."""
        for user in self.users.values():
            if user.name == name:
                return user
        raise KeyError(name)

    def message(self, message_id: int) -> Message | None:
        """A message that is not deleted, ephemeral ones included."""
        message = self._by_id.get(message_id)
        return None if message is None or message.deleted else message

    def messages(self, channel_id: int) -> list[Message]:
        """A channel's messages, oldest first, ephemeral ones included and deleted ones not."""
        return [message for message in self._messages.get(channel_id, {}).values() if not message.deleted]

    def all_messages(self) -> Iterator[Message]:
        """Every message that is not deleted."""
        return (message for message in self._by_id.values() if not message.deleted)

    def starter(self, channel_id: int) -> Message | None:
        """The message a thread was made from, in its parent; the thread has its id."""
        channel = self.channels.get(channel_id)
        parent = self._messages.get(channel.parent_id or 0, {}) if channel and channel.is_thread else {}
        message = parent.get(channel_id)
        return None if message is None or message.deleted else message

    def threads(self, channel_id: int) -> list[Channel]:
        """The threads below a channel, archived ones included."""
        return [channel for channel in self.channels.values() if channel.is_thread and channel.parent_id == channel_id]

    def is_thread(self, channel_id: int) -> bool:
        """True if the id is a thread's."""
        channel = self.channels.get(channel_id)
        return channel is not None and channel.is_thread

    async def wait_for(
        self,
        predicate: Callable[[Message], bool],
        channel_id: int | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 - callers wait, none composes
    ) -> Message:
        """The first message that satisfies `predicate`, an existing one or one to come.

        Raises TimeoutError after `timeout` real seconds.
        """

        def probe() -> Message | None:
            found = self.messages(channel_id) if channel_id is not None else self.all_messages()
            return next((message for message in found if predicate(message)), None)

        return await self.hub.until(probe, timeout)

    # Changing things; rules were checked before.

    def publish(self, kind: str, subject: object) -> None:
        """Tell everybody that something happened."""
        self.hub.publish(kind, subject)

    def subscribe(self) -> Subscription:
        """Everything that happens from now on."""
        return self.hub.subscribe()

    def keep_message(self, message: Message) -> None:
        """Put a message into its channel and tell of it."""
        self._messages[message.channel_id][message.id] = message
        self._by_id[message.id] = message
        channel = self.channels[message.channel_id]
        if message.ephemeral_for is None:
            channel.last_message_id = message.id
        if channel.thread:
            channel.thread.message_count += 1
            channel.thread.active_at = self.clock.now()
        self.publish("MESSAGE_CREATE", message)

    def delete_message(self, message: Message) -> None:
        """Take a message away, its files with it; a thread made from it stays."""
        message.deleted = True
        for file in message.files:
            self.cdn.drop(file.id)
        self.publish("MESSAGE_DELETE", message)

    def remember_nonce(self, author: User, nonce: str | int, message: Message) -> None:
        """Keep a nonce for the window."""
        self._nonces[author.id, str(nonce)] = _Nonce(message, self.clock.now() + NONCE_WINDOW_S)

    def message_of_nonce(self, author: User, nonce: str | int) -> Message | None:
        """The message, deleted or not, an author posted with a nonce within the window."""
        known = self._nonces.get((author.id, str(nonce)))
        return known.message if known and self.clock.now() < known.until else None

    def remove_channel(self, channel: Channel) -> None:
        """Take a channel or thread away with everything in it."""
        for message in self.messages(channel.id):
            message.deleted = True
        for thread in [] if channel.is_thread else self.threads(channel.id):
            self.remove_channel(thread)
        self.channels.pop(channel.id, None)
        if channel.guild_id is not None:
            self.guilds[channel.guild_id].channels.pop(channel.id, None)
        self.publish("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)

    def archive_idle_threads(self) -> None:
        """Archive the threads that were silent for as long as each allows."""
        now = self.clock.now()
        for channel in [channel for channel in self.channels.values() if channel.thread]:
            state = channel.thread
            if state and not state.archived and now >= state.active_at + 60 * state.auto_archive_min:
                self.set_archived(channel, state, True)

    def set_archived(self, channel: Channel, state: ThreadState, archived: bool) -> None:
        """Archive a thread or open it again, and tell of it."""
        state.archived, state.archived_at, state.active_at = archived, self.clock.now(), self.clock.now()
        self.publish("THREAD_UPDATE", channel)

    def _time_passed(self) -> None:
        self.archive_idle_threads()
        self.publish("CLOCK_ADVANCED", self.clock)


def _bot_token(user_id: int) -> str:
    """A token in Discord's shape: the user's id in base64, a time and a signature, all random here."""
    head = base64.urlsafe_b64encode(str(user_id).encode()).decode().rstrip("=")
    return f"{head}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"
