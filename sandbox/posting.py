"""Posting, editing and deleting messages: what happens in the world once a draft is acceptable.

Used by the API for the bot and by members alike. Permissions are checked by the callers, who differ in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sandbox import limits, mentions
from sandbox.draft import Draft
from sandbox.guild import Channel, User
from sandbox.mentions import ANYBODY, Allowed
from sandbox.message import Attachment, Message, MessageFlag, MessageType, Reference, Trigger, media_of, walk
from sandbox.permissions import Permission
from sandbox.wire import ApiError, Form, Json, snowflake_or_none
from sandbox.world import World


@dataclass(frozen=True)
class Manner:
    """How a message comes to be, beside what it says."""

    default_mentions: Allowed = ANYBODY
    webhook_id: int | None = None
    trigger: Trigger | None = None
    ephemeral_for: int | None = None
    type: MessageType = MessageType.DEFAULT
    reference: Reference | None = None


PLAIN = Manner()


def post(world: World, author: User, channel: Channel, draft: Draft, manner: Manner = PLAIN) -> Message:
    """Put a new message into a channel. Raises ApiError 160005 for a locked thread."""
    _wake_thread(world, author, channel)
    message = Message(
        id=world.snowflakes.next(),
        channel_id=channel.id,
        author=author,
        guild_id=channel.guild_id,
        timestamp=world.clock.now(),
        type=manner.type,
        flags=draft.flags & ~MessageFlag.EPHEMERAL,
        nonce=draft.nonce,
        tts=draft.tts,
        webhook_id=manner.webhook_id,
        trigger=manner.trigger,
        ephemeral_for=manner.ephemeral_for,
        reference=manner.reference,
    )
    if manner.ephemeral_for is not None:
        message.flags |= MessageFlag.EPHEMERAL
    message.files = _store(world, message, draft)
    _say(world, message, draft)
    _mention(world, message, draft.wishes(manner.default_mentions))
    message.pinged = _pinged(world, message)
    world.keep_message(message)
    return message


def edit(world: World, message: Message, draft: Draft, default: Allowed = ANYBODY) -> None:
    """Change a message as Discord does: fields not given stay, attachments not listed vanish. Pings nobody anew.

    Raises ApiError 50006 if nothing would be left, 50035 if Components V2 would be taken back.
    """
    _keep_it_sayable(message, draft)
    for file in message.files:
        if file.id not in draft.kept:
            world.cdn.retire(file.id)
    kept = [file for file in message.files if file.id in draft.kept]
    for file in kept:
        file.description = draft.kept[file.id].get("description", file.description)
    message.files = kept + _store(world, message, draft)
    if "flags" in draft.given:
        changeable = MessageFlag.SUPPRESS_EMBEDS
        message.flags = message.flags & ~changeable | draft.flags & changeable
    message.flags |= draft.flags & MessageFlag.IS_COMPONENTS_V2
    if not message.is_loading:
        # Filling a placeholder is no edit: members read no “(edited)” below it.
        message.edited_at = world.clock.now()
    message.flags &= ~MessageFlag.LOADING
    _say(world, message, draft)
    if "content" in draft.given or "components" in draft.given:
        _mention(world, message, draft.wishes(default))
    world.publish("MESSAGE_UPDATE", message)


def _keep_it_sayable(message: Message, draft: Draft) -> None:
    if draft.flags & MessageFlag.IS_COMPONENTS_V2 and not message.is_v2:
        left = [key for key in ("content", "embeds") if key not in draft.given and getattr(message, key)]
        if left:
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            text = f"The '{left[0]}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            raise Form.single(left[0], code, text)
    if message.is_v2 and "flags" in draft.given and not draft.flags & MessageFlag.IS_COMPONENTS_V2:
        raise Form.single("flags", "MESSAGE_FLAGS_COMPONENTS_V2_IMMUTABLE", "IS_COMPONENTS_V2 cannot be removed")
    new = {key: getattr(draft, key) if key in draft.given else getattr(message, key) for key in _SHOWN}
    if not any(new.values()) and not draft.kept and not draft.files:
        raise ApiError(50006)


_SHOWN = ("content", "embeds", "components")


def delete(world: World, message: Message) -> None:
    """Delete a message and its files."""
    world.delete_message(message)


def _wake_thread(world: World, author: User, channel: Channel) -> None:
    """Sending opens an archived thread again, unless it is locked."""
    state = channel.thread
    if state is None:
        return
    if state.locked and not world.permissions(author, channel) & Permission.MANAGE_THREADS:
        raise ApiError(160005)
    if state.archived:
        world.set_archived(channel, state, False)
    state.member_ids.add(author.id)


def _store(world: World, message: Message, draft: Draft) -> list[Attachment]:
    return [
        world.cdn.keep(
            message.channel_id,
            file.upload.filename,
            file.upload.data,
            description=file.description,
            ephemeral=message.ephemeral,
            spoiler=file.spoiler,
        )
        for file in draft.files
    ]


def _say(world: World, message: Message, draft: Draft) -> None:
    """Take content, embeds and components from the draft; `attachment://` becomes the file itself."""
    if "content" in draft.given:
        message.content = draft.content
    files = _by_name(message.files)
    if "embeds" in draft.given:
        message.embeds = [_resolve(world, dict(embed), files) for embed in draft.embeds]
    if "components" in draft.given:
        message.components = number([_resolve(world, component, files) for component in draft.components])


def _by_name(files: Iterable[Attachment]) -> dict[str, Attachment]:
    named: dict[str, Attachment] = {}
    for file in files:
        named[file.filename] = file
        if file.title:
            named[f"{file.title}.{file.filename.rpartition('.')[2]}"] = file
    return named


def _resolve(world: World, node: Any, files: dict[str, Attachment]) -> Any:
    """A copy in which media objects that name an attachment carry its id, size and type."""
    if isinstance(node, list):
        return [_resolve(world, part, files) for part in node]
    if not isinstance(node, dict):
        return node
    copy: Json = {key: _resolve(world, value, files) for key, value in node.items()}
    file = files.get(str(copy.get("url", "")).removeprefix("attachment://"))
    if str(copy.get("url", "")).startswith("attachment://") and file is not None:
        copy |= {
            "attachment_id": str(file.id),
            "url": file.url,
            "proxy_url": world.cdn.sign(file, proxy=True),
            "width": file.width,
            "height": file.height,
            "content_type": file.content_type,
            "loading_state": 2,
        }
    if copy.get("type") == 13 and (file := files.get(str(node["file"].get("url", "")).removeprefix("attachment://"))):
        copy |= {"name": file.filename, "size": file.size}
    return copy


def number(components: list[Json]) -> list[Json]:
    """Give every component that has none an id, counted through the whole message."""
    taken = {component["id"] for component in walk(components) if component.get("id")}
    count = 0
    for component in walk(components):
        if not component.get("id"):
            count += 1
            while count in taken:
                count += 1
            component["id"] = count
    return components


def media_in(message: Message) -> Iterable[Json]:
    """Media objects in a message's embeds and components."""
    return media_of([*message.embeds, *message.components])


def _mention(world: World, message: Message, wishes: Allowed) -> None:
    """Work out whom the message mentions, in its text and as a reply."""
    guild = world.guilds.get(message.guild_id or 0)
    channel = world.channels[message.channel_id]
    may_all = bool(world.permissions(message.author, channel) & Permission.MENTION_EVERYONE)
    roles = {role.id: role.mentionable or may_all for role in guild.roles.values()} if guild else {}
    texts = [message.content, *(str(c["content"]) for c in message.walk_components() if c["type"] == 10)]
    found = mentions.find("\n".join(texts), wishes, roles)
    users = [world.users[user_id] for user_id in found.user_ids if user_id in world.users]
    replied = _replied_to(world, message) if wishes.replied_user else None
    if replied is not None and replied not in users:
        users.append(replied)
    message.mentions = users
    message.mention_role_ids = found.role_ids
    message.mention_everyone = found.everyone and may_all and guild is not None


def _replied_to(world: World, message: Message) -> User | None:
    """Who a reply with ping names. Answers to interactions come from a webhook, and a webhook cannot be pinged."""
    if message.type is not MessageType.REPLY or message.reference is None:
        return None
    target = world.message(message.reference.message_id)
    return None if target is None or target.webhook_id is not None else target.author


def _pinged(world: World, message: Message) -> set[int]:
    if message.ephemeral_for is not None:
        return set()
    pinged = {user.id for user in message.mentions}
    guild = world.guilds.get(message.guild_id or 0)
    for member in guild.members.values() if guild else ():
        if message.mention_everyone or member.role_ids & set(message.mention_role_ids):
            pinged.add(member.user.id)
    return pinged - {message.author.id}


def reference_of(world: World, channel: Channel, given: Json | None) -> Reference | None:
    """The message a draft replies to; None if there is none and that is no fault. Raises ApiError 50035."""
    if given is None:
        return None
    message_id = snowflake_or_none(given.get("message_id"))
    channel_id = snowflake_or_none(given.get("channel_id")) or channel.id
    must_exist = given.get("fail_if_not_exists", True)
    target = world.message(message_id) if message_id is not None else None
    elsewhere = channel_id != channel.id or (target is not None and target.channel_id != channel.id)
    if elsewhere or (target is None and must_exist) or message_id is None:
        raise Form.single("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    if target is None:
        return None
    return Reference(message_id, channel.id, channel.guild_id)


def as_reply(manner: Manner, reference: Reference | None) -> Manner:
    """The same manner, as a reply if there is something to reply to."""
    return manner if reference is None else replace(manner, reference=reference, type=MessageType.REPLY)


def may_edit_again(world: World, message: Message) -> None:
    """Count an edit of a message older than an hour. Raises ApiError 30046 once there were too many."""
    now = world.clock.now()
    if now - message.timestamp <= limits.OLD_MESSAGE_S:
        return
    message.old_edits = [at for at in message.old_edits if at > now - limits.OLD_MESSAGE_S]
    if len(message.old_edits) >= limits.OLD_EDITS:
        raise ApiError(30046, retry_after=message.old_edits[0] + limits.OLD_MESSAGE_S - now)
    message.old_edits.append(now)
