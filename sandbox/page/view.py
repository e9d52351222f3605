"""The world as one member's page shows it, as JSON: what Discord's API says, and what only a client knows besides."""

from __future__ import annotations

from typing import Any

from sandbox import limits
from sandbox.guild import Channel, User
from sandbox.member import Member
from sandbox.message import Message, MessageType
from sandbox.payloads import message_json, role_json, user_json
from sandbox.permissions import Permission
from sandbox.wire import Json
from sandbox.world import World


class View:
    """What one member sees."""

    def __init__(self, world: World, member: Member) -> None:
        self._world = world
        self.member = member

    def everything(self) -> Json:
        """The whole world at this moment, for a page that has just connected."""
        world, guild = self._world, self._world.guild
        channels = [*guild.channels.values(), self.member.dm]
        return {
            "me": str(self.member.id),
            "bot": str(world.bot.id),
            "guild": {"id": str(guild.id), "name": guild.name},
            "users": [self.user(user) for user in world.users.values() if user.id != guild.owner_id],
            "roles": [role_json(role) for role in guild.roles.values() if role.id != guild.id],
            "channels": [self.channel(channel) for channel in channels if self.sees_channel(channel)],
            "messages": [
                self.message(message)
                for message in sorted(world.all_messages(), key=lambda one: one.id)
                if self.sees(message)
            ],
            "limits": {"content": limits.CONTENT, "files": limits.FILES, "alt_text": limits.ALT_TEXT},
        }

    def user(self, user: User) -> Json:
        """An account, with the name members read and whether it administers the guild."""
        member = self._world.guild.members.get(user.id)
        roles = [self._world.guild.roles[role] for role in sorted(member.role_ids)] if member else []
        return user_json(user) | {
            "name": (member.nick if member else None) or (user.name if user.bot else user.name.capitalize()),
            "roles": [role.name for role in roles if role.managed_by is None],
        }

    def sees_channel(self, channel: Channel) -> bool:
        """True if the member is let into a channel."""
        return bool(self._world.permissions(self.member.user, channel) & Permission.VIEW_CHANNEL)

    def sees(self, message: Message) -> bool:
        """True if the member has the message before their eyes."""
        return message.channel_id in self._world.channels and self.member.sees(message)

    def channel(self, channel: Channel) -> Json:
        """A channel, thread or direct message, with what the member may do there."""
        may = self._world.permissions(self.member.user, channel)
        sending = Permission.SEND_MESSAGES_IN_THREADS if channel.is_thread else Permission.SEND_MESSAGES
        state = channel.thread
        return {
            "id": str(channel.id),
            "kind": "thread" if channel.is_thread else "dm" if channel.is_dm else "text",
            "name": self._world.bot.name if channel.is_dm else channel.name,
            "parent_id": str(channel.parent_id) if channel.parent_id else None,
            "position": channel.position,
            "topic": channel.topic,
            "archived": bool(state and state.archived),
            "locked": bool(state and state.locked),
            "count": state.message_count if state else 0,
            "may_send": bool(may & sending),
            "may_attach": bool(may & Permission.ATTACH_FILES),
            "upload_limit": self._world.upload_limit(channel),
        }

    def message(self, message: Message) -> Json:
        """A message with all it says, links to its files on this page, and what the member may do with it."""
        channel = self._world.channels[message.channel_id]
        own = message.author is self.member.user
        manages = bool(self._world.permissions(self.member.user, channel) & Permission.MANAGE_MESSAGES)
        body = message_json(self._world, message, full=True)
        body.pop("referenced_message", None)
        body |= {
            "ephemeral": message.ephemeral,
            "thinking": message.is_loading,
            "pinged": self.member.id in message.pinged,
            "may_delete": own or message.ephemeral or manages,
            "may_edit": own,
            "reply": self._reply(message),
        }
        local: Json = _localize(body)
        return local

    def _reply(self, message: Message) -> Json | None:
        """What a message answers, in short; a message that is gone has no author."""
        target_id = message.reference.message_id if message.reference else None
        if target_id is None and message.trigger is not None:
            # A button's or a menu's answer points at the message it was used on.
            target_id = message.trigger.interacted_message_id or message.trigger.target_message_id
        if target_id is None or message.type is MessageType.THREAD_STARTER_MESSAGE:
            return None
        target = self._world.message(target_id)
        if target is None or not self.sees(target):
            return {"id": str(target_id), "author": None}
        return {
            "id": str(target_id),
            "channel_id": str(target.channel_id),
            "author": str(target.author.id),
            "mentions": target.author in message.mentions,
            "content": target.text()[:200],
            "has_files": bool(target.files),
        }


def _localize(node: Any) -> Any:
    """Point stored files at the page's own route, which no scripted fault reaches."""
    if isinstance(node, list):
        return [_localize(part) for part in node]
    if not isinstance(node, dict):
        return node
    file_id = node.get("attachment_id") or (node.get("id") if "filename" in node else None)
    if file_id and "url" in node:
        name = node.get("filename") or str(node["url"]).partition("?")[0].rpartition("/")[2]
        node |= {"url": f"/page/files/{file_id}/{name}"}
        node.pop("proxy_url", None)
    return {key: _localize(value) for key, value in node.items()}
