"""Application commands: list, bulk overwrite, create, edit, delete; global and per guild."""

from __future__ import annotations

from aiohttp import web

from sandbox.body import read_json, read_json_list
from sandbox.routes.access import number
from sandbox.wire import ApiError, nothing, reply
from sandbox.world import World


class Commands:
    """`/applications/{application}/commands` and the same below a guild."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        found: list[web.RouteDef] = []
        for scope in ("", "/guilds/{guild}"):
            base = f"/applications/{{application}}{scope}/commands"
            found += [
                web.get(base, self.all),
                web.put(base, self.overwrite),
                web.post(base, self.create),
                web.get(f"{base}/{{command:\\d+}}", self.one),
                web.patch(f"{base}/{{command:\\d+}}", self.edit),
                web.delete(f"{base}/{{command:\\d+}}", self.delete),
            ]
        permissions = "/applications/{application}/guilds/{guild}/commands/permissions"
        return [*found, web.get(permissions, self.permissions)]

    def _scope(self, request: web.Request) -> int | None:
        if number(request, "application") != self._world.application_id:
            raise ApiError(20012)
        if "guild" not in request.match_info:
            return None
        guild_id = number(request, "guild")
        if guild_id not in self._world.guilds:
            raise ApiError(50001)
        return guild_id

    async def all(self, request: web.Request) -> web.Response:
        """`GET …/commands`."""
        commands = self._world.commands.all(self._scope(request))
        return reply([command.to_json(self._world.application_id) for command in commands])

    async def overwrite(self, request: web.Request) -> web.Response:
        """`PUT …/commands`: the whole scope at once."""
        scope = self._scope(request)
        commands = self._world.commands.overwrite(scope, await read_json_list(request))
        self._world.publish("COMMANDS_CHANGED", commands)
        return reply([command.to_json(self._world.application_id) for command in commands])

    async def create(self, request: web.Request) -> web.Response:
        """`POST …/commands`: 201 for a new one, 200 for a replaced one."""
        scope = self._scope(request)
        command, is_new = self._world.commands.create(scope, await read_json(request))
        self._world.publish("COMMANDS_CHANGED", command)
        return reply(command.to_json(self._world.application_id), 201 if is_new else 200)

    async def one(self, request: web.Request) -> web.Response:
        """`GET …/commands/{command}`."""
        command = self._world.commands.get(self._scope(request), number(request, "command"))
        return reply(command.to_json(self._world.application_id))

    async def edit(self, request: web.Request) -> web.Response:
        """`PATCH …/commands/{command}`."""
        scope = self._scope(request)
        command = self._world.commands.edit(scope, number(request, "command"), await read_json(request))
        self._world.publish("COMMANDS_CHANGED", command)
        return reply(command.to_json(self._world.application_id))

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE …/commands/{command}`."""
        self._world.commands.delete(self._scope(request), number(request, "command"))
        self._world.publish("COMMANDS_CHANGED", None)
        return nothing()

    async def permissions(self, request: web.Request) -> web.Response:
        """`GET …/commands/permissions`: no admin has changed any."""
        self._scope(request)
        return reply([])
