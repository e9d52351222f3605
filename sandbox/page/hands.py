"""What a member does on the page, one function per act: thin over the member's client, which the tests use too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sandbox.body import Body
from sandbox.client_rules import ClientRefused, Upload
from sandbox.member import Member, Use
from sandbox.message import Message
from sandbox.modal_form import Modal
from sandbox.use import InteractionFailed
from sandbox.wire import ApiError, Json, snowflake_or_none
from sandbox.world import World

_FAILED = "The application did not respond."


class Hands:
    """Acts for one member. Every act answers JSON: {}, {"modal": …}, {"refused": …} or {"failed": …}."""

    def __init__(self, world: World, member: Member) -> None:
        self._world = world
        self._member = member
        self._acts: Mapping[str, Callable[[Json], Awaitable[Json]]] = {
            "commands": self._commands,
            "autocomplete": self._autocomplete,
            "slash": self._slash,
            "menu": self._menu,
            "user_menu": self._user_menu,
            "press": self._press,
            "select": self._select,
            "submit": self._submit,
            "say": self._say,
            "reply": self._reply,
            "edit": self._edit,
            "delete": self._delete,
            "accept_dms": self._accept_dms,
        }

    async def do(self, act: str, body: Body) -> Json:
        """Do one act. Raises KeyError for an unknown one."""
        doing = self._acts[act]
        try:
            return await doing(_with_files(body.json, body))
        except ClientRefused as refusal:
            return {"refused": {"code": refusal.code, "message": str(refusal)}}
        except ApiError as error:
            return {"refused": {"code": error.code, "message": error.message}}
        except InteractionFailed:
            return {"failed": _FAILED}

    async def _commands(self, given: Json) -> Json:
        offered = self._member.commands(int(given["channel"]))
        return {"commands": [command.to_json(self._world.application_id) for command in offered]}

    async def _autocomplete(self, given: Json) -> Json:
        choices = await self._member.autocomplete(
            given["command"], given["option"], given["typed"], given["options"], channel=int(given["channel"])
        )
        return {"choices": choices}

    async def _slash(self, given: Json) -> Json:
        use = await self._member.slash(given["command"], given["options"], channel=int(given["channel"]))
        return _outcome(use)

    async def _menu(self, given: Json) -> Json:
        return _outcome(await self._member.menu(self._message(given), given["name"]))

    async def _user_menu(self, given: Json) -> Json:
        user = self._world.users[int(given["user"])]
        return _outcome(await self._member.user_menu(user, given["name"], channel=int(given["channel"])))

    async def _press(self, given: Json) -> Json:
        return _outcome(await self._member.press(self._message(given), given["custom_id"]))

    async def _select(self, given: Json) -> Json:
        return _outcome(await self._member.select(self._message(given), given["custom_id"], *given["values"]))

    async def _submit(self, given: Json) -> Json:
        interaction = self._world.interactions.get(int(given["modal"]))
        if interaction is None or interaction.modal is None or interaction.user is not self._member.user:
            raise ClientRefused("unknown_modal", "This form is no longer there.")
        return _outcome(await self._member.submit(Modal(interaction, interaction.modal), given["values"]))

    async def _say(self, given: Json) -> Json:
        await self._member.say(given["text"], channel=int(given["channel"]), files=given.get("files") or ())
        return {}

    async def _reply(self, given: Json) -> Json:
        files = given.get("files") or ()
        await self._member.reply(self._message(given), given["text"], ping=bool(given["ping"]), files=files)
        return {}

    async def _edit(self, given: Json) -> Json:
        await self._member.edit(self._message(given), given["text"])
        return {}

    async def _delete(self, given: Json) -> Json:
        await self._member.delete(self._message(given))
        return {}

    async def _accept_dms(self, given: Json) -> Json:
        (self._member.open_dms if given["accept"] else self._member.close_dms)()
        return {}

    def _message(self, given: Json) -> Message:
        message = self._world.message(snowflake_or_none(given["message"]) or 0)
        if message is None:
            raise ClientRefused("unknown_message", "This message is no longer there.")
        return message


def _outcome(use: Use) -> Json:
    if use.failed:
        return {"failed": _FAILED}
    return {"modal": {"id": str(use.id), **use.modal.payload}} if use.opened_modal else {}


def _with_files(node: Any, body: Body) -> Any:
    """Put the uploads where the JSON names them as {"file": index, "description": alt text or null}."""
    if isinstance(node, list):
        return [_with_files(part, body) for part in node]
    if not isinstance(node, dict):
        return node
    index = node.get("file")
    if isinstance(index, int):
        file = body.uploads[index]
        return Upload(file.filename, file.data, node.get("description") or None)
    return {key: _with_files(value, body) for key, value in node.items()}
