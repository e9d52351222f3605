"""First responses to interactions: message, deferral, update, choices, modal."""

from __future__ import annotations

from aiohttp import web

from sandbox import answering, command_rules, modal
from sandbox import draft as drafts
from sandbox.body import Body, read_body
from sandbox.interaction import CallbackType, Interaction
from sandbox.interaction_payload import callback_json
from sandbox.message import MessageFlag
from sandbox.routes.access import flag, number
from sandbox.wire import ApiError, Form, Json, nothing, reply
from sandbox.world import World


class Interactions:
    """`/interactions/{interaction}/{token}/callback`. Needs no bot token: the interaction's own is the secret."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.post("/interactions/{interaction}/{token}/callback", self.callback)]

    async def callback(self, request: web.Request) -> web.Response:
        """`POST /interactions/{interaction}/{token}/callback`."""
        interaction = self._world.interactions.get(number(request, "interaction"))
        if interaction is None or interaction.token != request.match_info["token"]:
            raise ApiError(10062)
        # Discord counts the three seconds to the arrival of the answer, not to the end of its upload.
        arrived = self._world.clock.now()
        body = await read_body(request, self._world.upload_limit(interaction.channel))
        how = next((one for one in CallbackType if one == body.json.get("type")), None)
        self._respond(interaction, interaction.must_be_answerable(arrived, how), body)
        self._world.publish("INTERACTION_ANSWERED", interaction)
        return reply(callback_json(self._world, interaction)) if flag(request, "with_response") else nothing()

    def _respond(self, interaction: Interaction, how: CallbackType, body: Body) -> None:
        given: Json = body.json.get("data") or {}
        match how:
            case CallbackType.MESSAGE:
                draft = drafts.read(given, body.uploads, at="data")
                ephemeral = interaction.is_muted or bool(draft.flags & MessageFlag.EPHEMERAL)
                interaction.response = how
                interaction.original = answering.say(self._world, interaction, draft, ephemeral=ephemeral)
            case CallbackType.DEFER:
                ephemeral = interaction.is_muted or bool(int(given.get("flags") or 0) & MessageFlag.EPHEMERAL)
                interaction.response = how
                interaction.original = answering.placeholder(self._world, interaction, ephemeral=ephemeral)
                interaction.placeholder_open = True
            case CallbackType.DEFER_UPDATE:
                interaction.response, interaction.original = how, interaction.message
            case CallbackType.UPDATE:
                self._update(interaction, given, body)
                interaction.response, interaction.original = how, interaction.message
            case CallbackType.CHOICES:
                interaction.choices = _choices(interaction, given)
                interaction.response = how
            case CallbackType.MODAL:
                form = Form()
                modal.check(form, "data", given)
                form.check()
                interaction.response, interaction.modal = how, given

    def _update(self, interaction: Interaction, given: Json, body: Body) -> None:
        if interaction.message is None or interaction.message.deleted:
            raise ApiError(10008)
        draft = drafts.read(given, body.uploads, at="data", old=interaction.message)
        answering.change(self._world, interaction.message, draft)


def _choices(interaction: Interaction, given: Json) -> list[Json]:
    choices = given.get("choices")
    form = Form()
    if not isinstance(choices, list):
        raise Form.single("data.choices", "BASE_TYPE_REQUIRED", "This field is required")
    form.length("data.choices", len(choices), 25)
    kind = _focused(interaction.data)
    for index, choice in enumerate(choices):
        form.text(f"data.choices.{index}.name", choice.get("name"), 100, 1)
        command_rules.check_choice_value(form, f"data.choices.{index}.value", choice.get("value"), kind)
    form.check()
    return choices


def _focused(data: Json) -> int:
    """The type of the option being typed."""
    for option in data.get("options") or []:
        if option.get("focused"):
            return int(option["type"])
        if option.get("options") and (found := _focused(option)):
            return found
    return 0
