"""A message and its attachments as the world holds them. Knows no JSON and not who may read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

from sandbox.guild import Channel, User
from sandbox.wire import Json


class MessageFlag(IntFlag):
    """Discord's message flags, as far as this world uses them."""

    CROSSPOSTED = 1 << 0
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_COMPONENTS_V2 = 1 << 15


NO_FLAGS = MessageFlag(0)


class MessageType(IntEnum):
    """What kind of message it is."""

    DEFAULT = 0
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21
    CONTEXT_MENU_COMMAND = 23


@dataclass(eq=False)
class Attachment:
    """A stored file; its URL is signed anew whenever it is shown."""

    id: int
    channel_id: int
    filename: str
    size: int
    """Bytes, after metadata was stripped."""
    content_type: str | None
    width: int | None = None
    height: int | None = None
    description: str | None = None
    title: str | None = None
    """The name as uploaded, where cleaning changed it."""
    ephemeral: bool = False
    spoiler: bool = False
    url: str = ""
    """A signed URL, fresh when the attachment was made or last shown."""


@dataclass(frozen=True)
class Reference:
    """The message another one answers."""

    message_id: int
    channel_id: int
    guild_id: int | None = None


@dataclass(frozen=True)
class Trigger:
    """Which interaction made a message."""

    interaction_id: int
    type: int
    user: User
    command_name: str | None = None
    interacted_message_id: int | None = None
    original_message_id: int | None = None
    """Set on follow-ups: the first response."""
    target_message_id: int | None = None


@dataclass(eq=False)
class Message:
    """One message. Times are seconds since 1970."""

    id: int
    channel_id: int
    author: User
    content: str = ""
    guild_id: int | None = None
    timestamp: float = 0.0
    edited_at: float | None = None
    type: MessageType = MessageType.DEFAULT
    flags: MessageFlag = NO_FLAGS
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    files: list[Attachment] = field(default_factory=list)
    """Every file it carries, shown in `attachments` or not."""
    mentions: list[User] = field(default_factory=list)
    mention_role_ids: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    pinged: set[int] = field(default_factory=set)
    """Users who were notified when it was posted, through a mention, a role, @everyone or a reply."""
    reference: Reference | None = None
    nonce: str | int | None = None
    tts: bool = False
    webhook_id: int | None = None
    """The application, for answers to interactions: they are posted through its webhook."""
    trigger: Trigger | None = None
    ephemeral_for: int | None = None
    """The one member who sees it; None: everybody in the channel."""
    thread: Channel | None = None
    reactions: dict[str, set[int]] = field(default_factory=dict)
    deleted: bool = False
    pinned: bool = False
    old_edits: list[float] = field(default_factory=list)
    """When it was edited at an age of more than one hour."""

    @property
    def ephemeral(self) -> bool:
        """True if one member alone sees it."""
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        """True for the placeholder of a deferred answer: the application is thinking."""
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def is_v2(self) -> bool:
        """True if it consists of components alone."""
        return bool(self.flags & MessageFlag.IS_COMPONENTS_V2)

    @property
    def is_silent(self) -> bool:
        """True if it notified nobody with sound or push."""
        return bool(self.flags & MessageFlag.SUPPRESS_NOTIFICATIONS)

    @property
    def is_by_bot(self) -> bool:
        """True if a bot wrote it, as itself or as an answer to an interaction."""
        return self.author.bot

    @property
    def reference_id(self) -> int | None:
        """Id of the message it answers."""
        return self.reference.message_id if self.reference else None

    @property
    def attachments(self) -> list[Attachment]:
        """Files shown as attachments: not those referenced by embeds or components, and none in a V2 message."""
        if self.is_v2:
            return []
        used = referenced_attachments([*self.embeds, *self.components])
        return [file for file in self.files if file.id not in used]

    def walk_components(self) -> Iterator[Json]:
        """Every component, nested ones included, in reading order."""
        return walk(self.components)

    def custom_ids(self) -> list[str]:
        """Custom ids of its components, in reading order."""
        return [str(component["custom_id"]) for component in self.walk_components() if "custom_id" in component]

    def labels(self) -> list[str]:
        """Labels of its buttons, in reading order."""
        return [str(component.get("label") or "") for component in self.walk_components() if component["type"] == 2]

    def text(self) -> str:
        """All it says: content, texts of components, embeds."""
        texts = [self.content, *(str(c["content"]) for c in self.walk_components() if c["type"] == 10)]
        for embed in self.embeds:
            texts += [str(embed.get("title") or ""), str(embed.get("description") or "")]
            texts += [f"{item.get('name')}: {item.get('value')}" for item in embed.get("fields", [])]
        return "\n".join(text for text in texts if text)


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component of a tree, nested ones included, in reading order."""
    for component in components:
        yield component
        nested = [*component.get("components", [])]
        nested += [component[key] for key in ("accessory", "component") if isinstance(component.get(key), dict)]
        yield from walk(nested)


def media_of(node: Any) -> Iterator[Json]:
    """Every media object (a dict with a `url`) inside embeds or components."""
    if isinstance(node, list):
        for part in node:
            yield from media_of(part)
    elif isinstance(node, dict):
        # Buttons, embeds and authors have a url too, but a type or a name beside it.
        if isinstance(node.get("url"), str) and not {"type", "name"} & node.keys():
            yield node
        for part in node.values():
            yield from media_of(part)


def referenced_attachments(nodes: list[Json]) -> set[int]:
    """Ids of the attachments that embeds or components show."""
    return {int(media["attachment_id"]) for media in media_of(nodes) if media.get("attachment_id")}
