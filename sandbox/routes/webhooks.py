"""The interaction's webhook: follow-ups, and reading, editing and deleting what was said. Fifteen minutes long."""

from __future__ import annotations

from aiohttp import web

from sandbox import answering, posting
from sandbox import draft as drafts
from sandbox.body import read_body
from sandbox.interaction import Interaction
from sandbox.message import Message, MessageFlag
from sandbox.payloads import message_json
from sandbox.routes.access import number
from sandbox.wire import ApiError, nothing, reply
from sandbox.world import World


class Webhooks:
    """`/webhooks/{application}/{token}`. Needs no bot token: the interaction's own is the secret."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        one = "/webhooks/{application}/{token}/messages/{message:@original|\\d+}"
        return [
            web.post("/webhooks/{application}/{token}", self.follow_up),
            web.get(one, self.get),
            web.patch(one, self.edit),
            web.delete(one, self.delete),
        ]

    def _interaction(self, request: web.Request) -> Interaction:
        token = request.match_info["token"]
        found = [one for one in self._world.interactions.values() if one.token == token]
        if not found or number(request, "application") != self._world.application_id:
            raise ApiError(10015)
        found[0].must_be_alive(self._world.clock.now())
        return found[0]

    def _message(self, request: web.Request, interaction: Interaction) -> Message:
        name = request.match_info["message"]
        if name == "@original":
            message = interaction.original
        else:
            message = next((one for one in interaction.messages if one.id == int(name)), None)
            if message is None and interaction.message and interaction.message.id == int(name):
                message = interaction.original
        if message is None or message.deleted:
            raise ApiError(10008)
        return message

    async def follow_up(self, request: web.Request) -> web.Response:
        """`POST /webhooks/{application}/{token}`."""
        interaction = self._interaction(request)
        body = await read_body(request, self._world.upload_limit(interaction.channel))
        first = interaction.original
        if interaction.placeholder_open and first is not None and not first.deleted:
            # The first follow-up to a deferral fills its placeholder, and cannot choose who sees it any more.
            draft = drafts.of(body)
            interaction.placeholder_open = False
            answering.change(self._world, first, draft)
            return reply(message_json(self._world, first))
        interaction.must_allow_follow_up()
        draft = drafts.of(body)
        ephemeral = interaction.is_muted or bool(draft.flags & MessageFlag.EPHEMERAL)
        message = answering.say(self._world, interaction, draft, ephemeral=ephemeral)
        interaction.follow_ups.append(message)
        self._world.publish("INTERACTION_ANSWERED", interaction)
        return reply(message_json(self._world, message))

    async def get(self, request: web.Request) -> web.Response:
        """`GET …/messages/{message}`."""
        return reply(message_json(self._world, self._message(request, self._interaction(request))))

    async def edit(self, request: web.Request) -> web.Response:
        """`PATCH …/messages/{message}`."""
        interaction = self._interaction(request)
        message = self._message(request, interaction)
        body = await read_body(request, self._world.upload_limit(interaction.channel))
        draft = drafts.of(body, old=message)
        posting.may_edit_again(self._world, message)
        if message is interaction.original:
            interaction.placeholder_open = False
            interaction.edited_original = True
        answering.change(self._world, message, draft)
        return reply(message_json(self._world, message))

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE …/messages/{message}`."""
        interaction = self._interaction(request)
        message = self._message(request, interaction)
        if message is interaction.original:
            interaction.placeholder_open = False
        posting.delete(self._world, message)
        return nothing()
