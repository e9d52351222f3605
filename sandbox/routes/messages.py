"""Channel messages: create, read, edit, delete, react, pin, typing."""

from __future__ import annotations

from aiohttp import web

from sandbox import draft as drafts
from sandbox import posting
from sandbox.body import read_body, read_json
from sandbox.draft import Draft
from sandbox.guild import Channel
from sandbox.message import Message
from sandbox.payloads import message_json, user_json
from sandbox.permissions import Permission
from sandbox.posting import PLAIN
from sandbox.routes.access import Access
from sandbox.wire import ApiError, Form, nothing, reply, snowflake_or_none
from sandbox.world import World

_TWO_WEEKS_S = 14 * 86400.0


class Messages:
    """`/channels/{channel}/messages` and what hangs on a message."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._access = Access(world)

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        one = "/channels/{channel}/messages/{message:\\d+}"
        mine = f"{one}/reactions/{{emoji}}/@me"
        return [
            web.post("/channels/{channel}/messages", self.create),
            web.get("/channels/{channel}/messages", self.list),
            web.post("/channels/{channel}/messages/bulk-delete", self.bulk_delete),
            web.get(one, self.get),
            web.patch(one, self.edit),
            web.delete(one, self.delete),
            web.put(mine, self.react),
            web.delete(mine, self.unreact),
            web.get(f"{one}/reactions/{{emoji}}", self.reactors),
            web.post("/channels/{channel}/typing", self.typing),
            web.put("/channels/{channel}/messages/pins/{message}", self.pin),
            web.delete("/channels/{channel}/messages/pins/{message}", self.unpin),
            web.put("/channels/{channel}/pins/{message}", self.pin),
            web.delete("/channels/{channel}/pins/{message}", self.unpin),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """`POST …/messages`."""
        channel = self._access.channel(request)
        self._access.require_sending(channel)
        draft = drafts.of(await read_body(request, self._world.upload_limit(channel)))
        # Reading an upload takes time; what was allowed when it began may not be any more.
        self._access.require_sending(channel)
        self._require_contents(channel, draft)
        if (earlier := self._same_nonce(draft)) is not None:
            return reply(message_json(self._world, earlier))
        reference = posting.reference_of(self._world, channel, draft.reference)
        if draft.reference is not None and not self._access.can(channel, Permission.READ_MESSAGE_HISTORY):
            raise ApiError(160002)
        message = posting.post(self._world, self._world.bot, channel, draft, posting.as_reply(PLAIN, reference))
        if draft.nonce is not None:
            self._world.remember_nonce(self._world.bot, draft.nonce, message)
        return reply(message_json(self._world, message))

    def _require_contents(self, channel: Channel, draft: Draft) -> None:
        if draft.files:
            self._access.require(channel, Permission.ATTACH_FILES)
        if draft.embeds:
            self._access.require(channel, Permission.EMBED_LINKS)

    def _same_nonce(self, draft: Draft) -> Message | None:
        """The message posted with this nonce before. Raises ApiError 10008 if it was deleted since."""
        if draft.nonce is None or not draft.enforce_nonce:
            return None
        earlier = self._world.message_of_nonce(self._world.bot, draft.nonce)
        if earlier is not None and earlier.deleted:
            raise ApiError(10008)
        return earlier

    async def list(self, request: web.Request) -> web.Response:
        """`GET …/messages`: nothing without READ_MESSAGE_HISTORY."""
        channel = self._access.channel(request)
        if not self._access.can(channel, Permission.READ_MESSAGE_HISTORY):
            return reply([])
        limit = snowflake_or_none(request.query.get("limit", "50"))
        if limit is None or not 1 <= limit <= 100:
            raise Form.single("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
        shown = [m for m in self._world.messages(channel.id) if m.ephemeral_for is None]
        return reply([message_json(self._world, message) for message in _page(shown, request, limit)])

    async def get(self, request: web.Request) -> web.Response:
        """`GET …/messages/{message}`."""
        channel = self._access.channel(request, Permission.READ_MESSAGE_HISTORY)
        return reply(message_json(self._world, self._access.message(request, channel)))

    async def edit(self, request: web.Request) -> web.Response:
        """`PATCH …/messages/{message}`."""
        channel = self._access.channel(request)
        message = self._access.message(request, channel)
        body = await read_body(request, self._world.upload_limit(channel))
        self._access.require_open(channel)
        if message.author is not self._world.bot:
            self._edit_foreign(channel, message, body.json)
            return reply(message_json(self._world, message))
        draft = drafts.of(body, old=message)
        if draft.files:
            self._access.require(channel, Permission.ATTACH_FILES)
        if message.deleted:
            raise ApiError(10008)
        posting.may_edit_again(self._world, message)
        posting.edit(self._world, message, draft)
        return reply(message_json(self._world, message))

    def _edit_foreign(self, channel: Channel, message: Message, body: dict[str, object]) -> None:
        """Of somebody else's message only the flags may be set, by those who manage messages."""
        if set(body) != {"flags"}:
            raise ApiError(50005)
        self._access.require(channel, Permission.MANAGE_MESSAGES)
        posting.edit(self._world, message, drafts.read(dict(body), {}, old=message))

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE …/messages/{message}`."""
        channel = self._access.channel(request)
        message = self._access.message(request, channel)
        self._access.require_open(channel)
        if message.author is not self._world.bot:
            if channel.is_dm:
                raise ApiError(50003)
            self._access.require(channel, Permission.MANAGE_MESSAGES)
        posting.delete(self._world, message)
        return nothing()

    async def bulk_delete(self, request: web.Request) -> web.Response:
        """`POST …/messages/bulk-delete`."""
        channel = self._access.channel(request, Permission.MANAGE_MESSAGES)
        ids = [snowflake_or_none(one) for one in (await read_json(request)).get("messages") or []]
        form = Form()
        form.length("messages", len(ids), 100, 2)
        form.check()
        found = [message for one in ids if one is not None and (message := self._world.message(one)) is not None]
        if any(self._world.clock.now() - message.timestamp > _TWO_WEEKS_S for message in found):
            raise ApiError(50034)
        for message in found:
            if message.channel_id == channel.id:
                posting.delete(self._world, message)
        return nothing()

    async def react(self, request: web.Request) -> web.Response:
        """`PUT …/reactions/{emoji}/@me`."""
        channel = self._access.channel(request, Permission.READ_MESSAGE_HISTORY)
        message = self._access.message(request, channel)
        self._access.require_open(channel)
        emoji = request.match_info["emoji"]
        if emoji not in message.reactions:
            self._access.require(channel, Permission.ADD_REACTIONS)
        message.reactions.setdefault(emoji, set()).add(self._world.bot.id)
        self._world.publish("REACTIONS_CHANGED", message)
        return nothing()

    async def unreact(self, request: web.Request) -> web.Response:
        """`DELETE …/reactions/{emoji}/@me`."""
        message = self._access.message(request, self._access.channel(request))
        users = message.reactions.get(request.match_info["emoji"], set())
        users.discard(self._world.bot.id)
        if not users:
            message.reactions.pop(request.match_info["emoji"], None)
        self._world.publish("REACTIONS_CHANGED", message)
        return nothing()

    async def reactors(self, request: web.Request) -> web.Response:
        """`GET …/reactions/{emoji}`."""
        message = self._access.message(request, self._access.channel(request))
        users = message.reactions.get(request.match_info["emoji"], set())
        return reply([user_json(self._world.users[user_id]) for user_id in sorted(users)])

    async def typing(self, request: web.Request) -> web.Response:
        """`POST /channels/{channel}/typing`."""
        channel = self._access.channel(request)
        self._access.require_sending(channel)
        self._world.publish("TYPING_START", channel)
        return nothing()

    async def pin(self, request: web.Request) -> web.Response:
        """`PUT …/pins/{message}`."""
        return self._set_pinned(request, True)

    async def unpin(self, request: web.Request) -> web.Response:
        """`DELETE …/pins/{message}`."""
        return self._set_pinned(request, False)

    def _set_pinned(self, request: web.Request, pinned: bool) -> web.Response:
        channel = self._access.channel(request, Permission.PIN_MESSAGES)
        message = self._access.message(request, channel)
        message.pinned = pinned
        self._world.publish("MESSAGE_UPDATE", message)
        return nothing()


def _page(messages: list[Message], request: web.Request, limit: int) -> list[Message]:
    """The page a query asks for, newest first."""
    edges = {key: snowflake_or_none(request.query.get(key)) for key in ("before", "after", "around")}
    newest_first = sorted(messages, key=lambda message: message.id, reverse=True)
    if (around := edges["around"]) is not None:
        newer = [m for m in newest_first if m.id > around][-(limit // 2) :]
        older = [m for m in newest_first if m.id <= around][: limit - limit // 2]
        return newer + older
    if (after := edges["after"]) is not None:
        return [m for m in newest_first if m.id > after][-limit:]
    if (before := edges["before"]) is not None:
        return [m for m in newest_first if m.id < before][:limit]
    return newest_first[:limit]
