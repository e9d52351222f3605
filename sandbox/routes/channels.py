"""Channels and threads: read, change, delete, open threads from a message or without one, join and leave them."""

from __future__ import annotations

from aiohttp import web

from sandbox import limits
from sandbox.body import read_json
from sandbox.guild import Channel, ChannelType, ThreadState
from sandbox.message import Message, MessageFlag, MessageType, Reference
from sandbox.payloads import channel_json, thread_member_json
from sandbox.permissions import Permission
from sandbox.routes.access import Access, number
from sandbox.wire import ApiError, Form, Json, nothing, reply
from sandbox.world import World


class Channels:
    """`/channels/{channel}` and its threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._access = Access(world)

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        member = "/channels/{channel}/thread-members"
        return [
            web.get("/channels/{channel}", self.get),
            web.patch("/channels/{channel}", self.edit),
            web.delete("/channels/{channel}", self.delete),
            web.post("/channels/{channel}/messages/{message:\\d+}/threads", self.thread_from_message),
            web.post("/channels/{channel}/threads", self.thread),
            web.get("/channels/{channel}/threads/archived/public", self.archived),
            web.get("/guilds/{guild}/threads/active", self.active),
            web.get(member, self.members),
            web.get(f"{member}/{{user}}", self.member),
            web.put(f"{member}/{{user}}", self.join),
            web.delete(f"{member}/{{user}}", self.leave),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """`GET /channels/{channel}`."""
        return reply(channel_json(self._world, self._access.channel(request)))

    async def edit(self, request: web.Request) -> web.Response:
        """`PATCH /channels/{channel}`."""
        channel = self._access.channel(request)
        body = await read_json(request)
        form = Form()
        if "name" in body:
            form.text("name", body["name"], limits.THREAD_NAME, 1)
        _check_archive(form, body)
        form.check()
        if channel.thread is not None:
            self._edit_thread(channel, channel.thread, body)
        else:
            self._access.require(channel, Permission.MANAGE_CHANNELS)
            channel.topic = body.get("topic", channel.topic)
            channel.nsfw = bool(body.get("nsfw", channel.nsfw))
        channel.name = str(body.get("name", channel.name))
        channel.slowmode_s = int(body.get("rate_limit_per_user", channel.slowmode_s) or 0)
        self._world.publish("THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE", channel)
        return reply(channel_json(self._world, channel))

    def _edit_thread(self, channel: Channel, state: ThreadState, body: Json) -> None:
        own = state.owner_id == self._world.bot.id
        if not own or "locked" in body or "rate_limit_per_user" in body:
            self._access.require(channel, Permission.MANAGE_THREADS)
        opens = body.get("archived") is False
        if state.archived and not opens:
            raise ApiError(50083)
        state.locked = bool(body.get("locked", state.locked))
        state.auto_archive_min = int(body.get("auto_archive_duration", state.auto_archive_min))
        if "archived" in body and bool(body["archived"]) != state.archived:
            state.archived = bool(body["archived"])
            state.archived_at = state.active_at = self._world.clock.now()

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE /channels/{channel}`."""
        channel = self._access.channel(request)
        body = channel_json(self._world, channel)
        if channel.is_dm:
            return reply(body)
        self._access.require(channel, Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS)
        self._world.remove_channel(channel)
        return reply(body)

    async def thread_from_message(self, request: web.Request) -> web.Response:
        """`POST …/messages/{message}/threads`: the thread gets the id of the message."""
        channel = self._parent(request, Permission.CREATE_PUBLIC_THREADS)
        message = self._access.message(request, channel)
        body = await read_json(request)
        self._check_new(channel, body)
        if message.thread is not None or message.id in self._world.channels:
            raise ApiError(160004)
        thread = self._open(channel, message.id, ChannelType.PUBLIC_THREAD, body)
        message.thread = thread
        message.flags |= MessageFlag.HAS_THREAD
        self._world.publish("THREAD_CREATE", thread)
        self._world.publish("MESSAGE_UPDATE", message)
        self._note(thread, MessageType.THREAD_STARTER_MESSAGE, Reference(message.id, channel.id, channel.guild_id))
        return reply(channel_json(self._world, thread), 201)

    async def thread(self, request: web.Request) -> web.Response:
        """`POST …/threads`: private unless told otherwise."""
        body = await read_json(request)
        kind = body.get("type", ChannelType.PRIVATE_THREAD)
        private = kind == ChannelType.PRIVATE_THREAD
        needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
        channel = self._parent(request, needed)
        self._check_new(channel, body)
        if kind not in (ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD):
            raise Form.single("type", "BASE_TYPE_CHOICES", "Value must be one of {11, 12}.")
        thread = self._open(channel, self._world.snowflakes.next(), ChannelType(kind), body)
        self._world.publish("THREAD_CREATE", thread)
        if not private:
            self._note(
                channel, MessageType.THREAD_CREATED, Reference(thread.id, thread.id, thread.guild_id), thread.name
            )
        return reply(channel_json(self._world, thread), 201)

    def _parent(self, request: web.Request, needed: Permission) -> Channel:
        channel = self._access.channel(request)
        if channel.type not in (ChannelType.TEXT, ChannelType.ANNOUNCEMENT):
            raise ApiError(50024)
        self._access.require(channel, needed)
        return channel

    def _check_new(self, channel: Channel, body: Json) -> None:
        form = Form()
        form.text("name", body.get("name"), limits.THREAD_NAME, 1)
        _check_archive(form, body)
        form.check()
        threads = [one for one in self._world.channels.values() if one.guild_id == channel.guild_id and one.thread]
        active = [one for one in threads if one.thread and not one.thread.archived]
        if len(active) >= self._world.max_active_threads:
            raise ApiError(160006)

    def _open(self, parent: Channel, thread_id: int, kind: ChannelType, body: Json) -> Channel:
        now = self._world.clock.now()
        state = ThreadState(self._world.bot.id, now, now, int(body.get("auto_archive_duration") or 4320))
        state.member_ids.add(self._world.bot.id)
        thread = Channel(
            thread_id,
            str(body["name"]),
            kind,
            guild_id=parent.guild_id,
            parent_id=parent.id,
            nsfw=parent.nsfw,
            slowmode_s=int(body.get("rate_limit_per_user") or 0),
            thread=state,
        )
        self._world.keep_channel(thread)
        return thread

    def _note(self, channel: Channel, kind: MessageType, reference: Reference, content: str = "") -> None:
        """Post the message by which Discord itself marks a thread's beginning."""
        self._world.keep_message(
            Message(
                id=self._world.snowflakes.next(),
                channel_id=channel.id,
                author=self._world.bot,
                content=content,
                guild_id=channel.guild_id,
                timestamp=self._world.clock.now(),
                type=kind,
                reference=reference,
            )
        )

    async def archived(self, request: web.Request) -> web.Response:
        """`GET …/threads/archived/public`."""
        channel = self._access.channel(request, Permission.READ_MESSAGE_HISTORY)
        threads = [thread for thread in self._world.threads(channel.id) if thread.thread and thread.thread.archived]
        return reply({"threads": [channel_json(self._world, t) for t in threads], "members": [], "has_more": False})

    async def active(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}/threads/active`."""
        guild = self._access.guild(request)
        self._world.archive_idle_threads()
        threads = [thread for thread in guild.threads() if thread.thread and not thread.thread.archived]
        return reply({"threads": [channel_json(self._world, thread) for thread in threads], "members": []})

    async def members(self, request: web.Request) -> web.Response:
        """`GET …/thread-members`."""
        channel, state = self._access.thread(request)
        return reply([thread_member_json(channel, state, user_id) for user_id in sorted(state.member_ids)])

    async def member(self, request: web.Request) -> web.Response:
        """`GET …/thread-members/{user}`. Raises ApiError 10007 for somebody who is not in it."""
        channel, state = self._access.thread(request)
        user_id = number(request, "user")
        if user_id not in state.member_ids:
            raise ApiError(10007)
        return reply(thread_member_json(channel, state, user_id))

    async def join(self, request: web.Request) -> web.Response:
        """`PUT …/thread-members/{user}`."""
        channel, state = self._access.thread(request)
        self._access.require_open(channel)
        state.member_ids.add(self._named(request))
        self._world.publish("THREAD_UPDATE", channel)
        return nothing()

    async def leave(self, request: web.Request) -> web.Response:
        """`DELETE …/thread-members/{user}`."""
        channel, state = self._access.thread(request)
        self._access.require_open(channel)
        state.member_ids.discard(self._named(request))
        self._world.publish("THREAD_UPDATE", channel)
        return nothing()

    def _named(self, request: web.Request) -> int:
        if request.match_info["user"] == "@me":
            return self._world.bot.id
        user_id = number(request, "user")
        if user_id not in self._world.users:
            raise ApiError(10013)
        return user_id


def _check_archive(form: Form, body: Json) -> None:
    minutes = body.get("auto_archive_duration")
    if minutes is not None and minutes not in limits.AUTO_ARCHIVE_MIN:
        message = f"Value must be one of {limits.AUTO_ARCHIVE_MIN}."
        form.refuse("auto_archive_duration", "BASE_TYPE_CHOICES", message)
