"""The JSON of users, guilds, channels and messages as Discord's API shows them to the bot."""

from __future__ import annotations

from typing import Any

from sandbox.clock import iso
from sandbox.guild import Channel, ChannelType, Guild, GuildMember, Role, ThreadState, User
from sandbox.message import Attachment, Message, MessageType, Trigger, media_of
from sandbox.reading import may_read
from sandbox.wire import Json
from sandbox.world import World


def user_json(user: User) -> Json:
    """A user."""
    return {
        "id": str(user.id),
        "username": user.name,
        "discriminator": "0",
        "global_name": None if user.bot else user.name.capitalize(),
        "avatar": user.avatar,
        "avatar_decoration_data": None,
        "banner": None,
        "accent_color": None,
        "bot": user.bot,
        "system": False,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }


def own_user_json(user: User) -> Json:
    """The bot's own user."""
    own: Json = {"email": None, "verified": True, "mfa_enabled": True, "locale": "en-US"}
    return {**user_json(user), **own}


def role_json(role: Role) -> Json:
    """A role."""
    body: Json = {
        "id": str(role.id),
        "name": role.name,
        "description": None,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": role.position,
        "permissions": str(int(role.permissions)),
        "managed": role.managed_by is not None,
        "mentionable": role.mentionable,
        "flags": 0,
    }
    if role.managed_by is not None:
        body["tags"] = {"bot_id": str(role.managed_by)}
    return body


def member_json(member: GuildMember, *, with_user: bool = True) -> Json:
    """A guild member."""
    body: Json = {
        "nick": member.nick,
        "avatar": None,
        "banner": None,
        "roles": [str(role_id) for role_id in sorted(member.role_ids)],
        "joined_at": iso(member.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }
    return {**body, "user": user_json(member.user)} if with_user else body


def channel_json(world: World, channel: Channel) -> Json:
    """A text channel, thread or direct message."""
    body: Json = {
        "id": str(channel.id),
        "type": int(channel.type),
        "last_message_id": _text(channel.last_message_id),
        "flags": 0,
    }
    if channel.is_dm:
        others = [user for user in channel.recipients if user is not world.bot]
        named = {"name": channel.name, "icon": None} if channel.type is ChannelType.GROUP_DM else {}
        return {**body, **named, "recipients": [user_json(user) for user in others]}
    body |= {
        "guild_id": str(channel.guild_id),
        "name": channel.name,
        "parent_id": _text(channel.parent_id),
        "rate_limit_per_user": channel.slowmode_s,
    }
    if channel.thread is not None:
        return {**body, **_thread_json(world, channel, channel.thread)}
    return {
        **body,
        "position": channel.position,
        "topic": channel.topic,
        "nsfw": channel.nsfw,
        "permission_overwrites": [
            {
                "id": str(target),
                "type": 0 if overwrite.is_role else 1,
                "allow": str(int(overwrite.allow)),
                "deny": str(int(overwrite.deny)),
            }
            for target, overwrite in channel.overwrites.items()
        ],
        "default_auto_archive_duration": 4320,
    }


def _thread_json(world: World, channel: Channel, state: ThreadState) -> Json:
    metadata: Json = {
        "archived": state.archived,
        "auto_archive_duration": state.auto_archive_min,
        "archive_timestamp": iso(state.archived_at or state.created_at),
        "locked": state.locked,
        "create_timestamp": iso(state.created_at),
    }
    if channel.type == 12:
        metadata["invitable"] = state.invitable
    body: Json = {
        "owner_id": str(state.owner_id),
        "thread_metadata": metadata,
        "message_count": min(state.message_count, 50),
        "member_count": min(len(state.member_ids), 50),
        "total_message_sent": state.message_count,
    }
    if world.bot.id in state.member_ids:
        body["member"] = thread_member_json(channel, state, world.bot.id)
    return body


def thread_member_json(channel: Channel, state: ThreadState, user_id: int) -> Json:
    """Somebody's membership of a thread."""
    return {
        "id": str(channel.id),
        "user_id": str(user_id),
        "join_timestamp": iso(state.created_at),
        "flags": 1,
        "mute_config": None,
        "muted": False,
    }


def guild_json(guild: Guild) -> Json:
    """A guild as the REST API shows it."""
    nothing = dict.fromkeys(_UNSET_OF_GUILD)
    return {
        **nothing,
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role_json(role) for role in guild.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_flags": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_video_channel_users": 25,
        "premium_tier": guild.premium_tier,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": guild.locale,
        "nsfw_level": 0,
        "nsfw": False,
        "region": "deprecated",
        "widget_enabled": False,
    }


_UNSET_OF_GUILD = (
    "icon",
    "splash",
    "discovery_splash",
    "afk_channel_id",
    "application_id",
    "widget_channel_id",
    "system_channel_id",
    "rules_channel_id",
    "vanity_url_code",
    "description",
    "banner",
    "public_updates_channel_id",
    "safety_alerts_channel_id",
    "incidents_data",
)


def attachment_json(world: World, file: Attachment) -> Json:
    """An attachment with a freshly signed URL."""
    file.url = world.cdn.sign(file)
    body: Json = {
        "id": str(file.id),
        "filename": file.filename,
        "size": file.size,
        "url": file.url,
        "proxy_url": world.cdn.sign(file, proxy=True),
        "flags": 1 << 5 if file.spoiler else 0,
        "content_scan_version": 0,
    }
    given = {
        "title": file.title,
        "description": file.description,
        "content_type": file.content_type,
        "width": file.width,
        "height": file.height,
        "ephemeral": file.ephemeral or None,
    }
    return body | {key: value for key, value in given.items() if value is not None}


def message_json(world: World, message: Message, *, full: bool = False, depth: int = 0) -> Json:
    """A message as the bot may read it; `full` shows all of it, as a command's target is shown."""
    readable = full or may_read(world, message)
    body: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "author": user_json(message.author),
        "content": message.content if readable else "",
        "timestamp": iso(message.timestamp),
        "edited_timestamp": iso(message.edited_at) if message.edited_at is not None else None,
        "tts": message.tts,
        "mention_everyone": message.mention_everyone,
        "mentions": [_mention_json(world, message, user) for user in message.mentions],
        "mention_roles": [str(role_id) for role_id in message.mention_role_ids],
        "attachments": [attachment_json(world, file) for file in message.attachments] if readable else [],
        "embeds": _fresh(world, message.embeds) if readable else [],
        "components": _fresh(world, message.components) if readable else [],
        "pinned": message.pinned,
        "type": int(message.type),
        "flags": int(message.flags),
    }
    if message.nonce is not None:
        body["nonce"] = message.nonce
    if message.webhook_id is not None:
        body |= {"webhook_id": str(message.webhook_id), "application_id": str(message.webhook_id)}
    elif message.author is world.bot:
        body["application_id"] = str(world.application_id)
    if message.trigger is not None:
        body |= _trigger_json(world, message.trigger)
    if message.reactions:
        body["reactions"] = [_reaction_json(world, emoji, users) for emoji, users in message.reactions.items()]
    if message.thread is not None:
        body["thread"] = channel_json(world, message.thread)
    return body | _reference_json(world, message, depth)


def event_json(world: World, message: Message) -> Json:
    """A message as the gateway tells of it: with guild and member, but not for ephemeral ones."""
    body = message_json(world, message)
    guild = world.guilds.get(message.guild_id or 0)
    if guild is None or message.ephemeral:
        return body
    body["guild_id"] = str(guild.id)
    member = guild.members.get(message.author.id)
    if member is not None and message.webhook_id is None:
        body["member"] = member_json(member, with_user=False)
    return body


def _mention_json(world: World, message: Message, user: User) -> Json:
    guild = world.guilds.get(message.guild_id or 0)
    member = guild.members.get(user.id) if guild else None
    return user_json(user) | ({"member": member_json(member, with_user=False)} if member else {})


def _reference_json(world: World, message: Message, depth: int) -> Json:
    reference = message.reference
    if reference is None:
        return {}
    body: Json = {"type": 0, "message_id": str(reference.message_id), "channel_id": str(reference.channel_id)}
    if reference.guild_id is not None:
        body["guild_id"] = str(reference.guild_id)
    found: Json = {"message_reference": body}
    shown = message.type in (MessageType.REPLY, MessageType.THREAD_STARTER_MESSAGE, MessageType.CONTEXT_MENU_COMMAND)
    if shown and depth == 0:
        target = world.message(reference.message_id)
        found["referenced_message"] = message_json(world, target, depth=1) if target else None
    return found


def _trigger_json(world: World, trigger: Trigger) -> Json:
    metadata: Json = {
        "id": str(trigger.interaction_id),
        "type": trigger.type,
        "user": user_json(trigger.user),
        "authorizing_integration_owners": world.interactions[trigger.interaction_id].owners,
    }
    optional = {
        "name": trigger.command_name,
        "original_response_message_id": _text(trigger.original_message_id),
        "interacted_message_id": _text(trigger.interacted_message_id),
        "target_message_id": _text(trigger.target_message_id),
    }
    metadata |= {key: value for key, value in optional.items() if value is not None}
    found: Json = {"interaction_metadata": metadata}
    if trigger.command_name is not None:
        user = user_json(trigger.user)
        found["interaction"] = {
            "id": metadata["id"],
            "type": trigger.type,
            "name": trigger.command_name,
            "user": user,
        }
    return found


def _reaction_json(world: World, emoji: str, users: set[int]) -> Json:
    name, _, emoji_id = emoji.partition(":")
    return {
        "emoji": {"id": emoji_id or None, "name": name},
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "me": world.bot.id in users,
        "me_burst": False,
        "burst_colors": [],
    }


def _fresh(world: World, nodes: list[Json]) -> list[Json]:
    """Embeds or components with freshly signed links."""
    fresh: list[Json] = _copy(nodes)
    for media in media_of(fresh):
        file = world.cdn.attachment(int(media.get("attachment_id") or 0))
        if file is not None:
            media |= {"url": world.cdn.sign(file), "proxy_url": world.cdn.sign(file, proxy=True)}
    return fresh


def _copy(node: Any) -> Any:
    if isinstance(node, list):
        return [_copy(part) for part in node]
    return {key: _copy(value) for key, value in node.items()} if isinstance(node, dict) else node


def _text(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)
