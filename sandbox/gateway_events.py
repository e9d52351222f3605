"""Which gateway event a change becomes, what it carries, and which intent a session needs to hear it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.clock import iso
from sandbox.guild import Channel, Guild
from sandbox.hub import Change
from sandbox.interaction import Interaction
from sandbox.interaction_payload import interaction_json
from sandbox.message import Message
from sandbox.payloads import channel_json, event_json, guild_json, member_json
from sandbox.permissions import Permission
from sandbox.reading import sees
from sandbox.wire import Json
from sandbox.world import World

GUILDS, GUILD_MEMBERS, GUILD_PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, GUILD_TYPING, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 11, 1 << 12, 1 << 15
PRIVILEGED = GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT
ALL_INTENTS = (1 << 26) - 1


@dataclass(frozen=True)
class Event:
    """One dispatch; `intent` 0 needs none."""

    name: str
    data: Json
    intent: int
    guild_id: int | None


def render(world: World, change: Change) -> Event | None:
    """The event a change becomes for the bot; None if it hears nothing of it."""
    subject = change.subject
    if isinstance(subject, Interaction):
        return _interaction(world, change.kind, subject)
    if isinstance(subject, Message):
        return _message(world, change.kind, subject)
    if isinstance(subject, Channel):
        return _channel(world, change.kind, subject)
    if isinstance(subject, Guild) and change.kind in _GUILD:
        return Event(change.kind, _GUILD[change.kind](world, subject), GUILDS, subject.id)
    return None


def _interaction(world: World, kind: str, interaction: Interaction) -> Event | None:
    if kind != "INTERACTION_CREATE":
        return None
    return Event(kind, interaction_json(world, interaction), 0, interaction.channel.guild_id)


def _message(world: World, kind: str, message: Message) -> Event | None:
    if not sees(world, message) or kind not in ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"):
        return None
    # Ephemeral messages reach their bot as direct messages do, without guild or member.
    private = message.guild_id is None or message.ephemeral
    intent = DIRECT_MESSAGES if private else GUILD_MESSAGES
    guild_id = None if private else message.guild_id
    if kind != "MESSAGE_DELETE":
        return Event(kind, event_json(world, message), intent, guild_id)
    data: Json = {"id": str(message.id), "channel_id": str(message.channel_id)}
    return Event(kind, data | ({"guild_id": str(guild_id)} if guild_id is not None else {}), intent, guild_id)


def _channel(world: World, kind: str, channel: Channel) -> Event | None:
    if channel.is_dm or (kind not in _DELETED and not _visible(world, channel)):
        return None
    data = channel_json(world, channel)
    match kind:
        case "THREAD_CREATE":
            data["newly_created"] = True
        case "THREAD_DELETE":
            data = {key: data[key] for key in ("id", "guild_id", "parent_id", "type")}
        case "THREAD_UPDATE" | "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "CHANNEL_DELETE":
            pass
        case _:
            return None
    return Event(kind, data, GUILDS, channel.guild_id)


_DELETED = ("CHANNEL_DELETE", "THREAD_DELETE")


def _visible(world: World, channel: Channel) -> bool:
    return bool(world.permissions(world.bot, channel) & Permission.VIEW_CHANNEL)


def guild_create_json(world: World, guild: Guild) -> Json:
    """A guild with all a session without privileged intents is told of it: of the members only the bot itself."""
    channels = [channel for channel in guild.channels.values() if _visible(world, channel)]
    return {
        **guild_json(guild),
        "joined_at": iso(guild.members[world.bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_json(guild.members[world.bot.id])],
        "channels": [channel_json(world, channel) for channel in channels if not channel.is_thread],
        "threads": [channel_json(world, c) for c in channels if c.thread is not None and not c.thread.archived],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def _guild_deleted(world: World, guild: Guild) -> Json:
    return {"id": str(guild.id)}


_GUILD: dict[str, Callable[[World, Guild], Json]] = {
    "GUILD_CREATE": guild_create_json,
    "GUILD_DELETE": _guild_deleted,
}
