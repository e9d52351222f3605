"""The REST side as one application: token, rate limits, scripted faults and a log of calls around the routes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox.faults import Delay, Disconnect, Fail, Fault, TooMany
from sandbox.routes.channels import Channels
from sandbox.routes.commands import Commands
from sandbox.routes.guilds import Guilds
from sandbox.routes.interactions import Interactions
from sandbox.routes.messages import Messages
from sandbox.routes.users import Users
from sandbox.routes.webhooks import Webhooks
from sandbox.wire import ApiError, not_found, reply, unauthorized
from sandbox.world import World

BASE = "/api/v10"
_OPEN = ("/interactions/", "/webhooks/")
_BEARING_NO_LIMIT = ("/interactions/",)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Call:
    """One call that was answered; a cut connection has status 0."""

    method: str
    path: str
    status: int
    at: float


class Rest:
    """The routes below /api/v10 of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.users = Users(world)
        self.calls: deque[Call] = deque(maxlen=10_000)
        self._listeners: list[Callable[[Call], None]] = []

    def application(self) -> web.Application:
        """An aiohttp application to be mounted at BASE."""
        app = web.Application(middlewares=[self._log, self._break, self._limit, self._authorize])
        world = self._world
        parts = (Commands, Messages, Channels, Guilds, Interactions, Webhooks)
        app.add_routes(self.users.routes())
        for part in parts:
            app.add_routes(part(world).routes())
        return app

    def listen(self, listener: Callable[[Call], None]) -> Callable[[], None]:
        """Call `listener` after each call was answered; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @web.middleware
    async def break_downloads(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let scripted faults strike the CDN too; for the application around this one."""
        return await (
            self._break(request, handler) if request.path.startswith(("/cdn/", "/media/")) else handler(request)
        )

    def count(self, status: int) -> int:
        """How many calls were answered with a status."""
        return sum(call.status == status for call in self.calls)

    @web.middleware
    async def _log(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        status = 0
        try:
            response = await handler(request)
            # A response whose connection is gone was never received.
            status = response.status if request.transport and not request.transport.is_closing() else 0
            return response
        finally:
            call = Call(request.method, _path(request), status, self._world.clock.now())
            self.calls.append(call)
            for listener in list(self._listeners):
                listener(call)

    @web.middleware
    async def _break(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self._world.faults.pick(request.method, _path(request))
        if fault is None:
            return await handler(request)
        return await _suffer(request, handler, fault)

    @web.middleware
    async def _limit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = _path(request)
        spared = path.startswith(_OPEN)
        verdict = self._world.rate_limits.count(request.method, path, is_interaction=spared)
        if verdict.retry_after_s is not None:
            return _too_many(verdict.retry_after_s, verdict.scope, verdict.headers)
        response = await handler(request)
        if not path.startswith(_BEARING_NO_LIMIT):
            response.headers.update(verdict.headers)
        return response

    @web.middleware
    async def _authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            path = _path(request)
            open_to_all = path.startswith(_OPEN) or path == "/gateway"
            if not open_to_all and request.headers.get("Authorization") != f"Bot {self._world.token}":
                raise unauthorized()
            return await handler(request)
        except ApiError as error:
            return error.response()
        except web.HTTPNotFound:
            return not_found().response()
        except web.HTTPMethodNotAllowed:
            return reply({"message": "405: Method Not Allowed", "code": 0}, 405)


def _path(request: web.Request) -> str:
    return request.path.removeprefix(BASE)


async def _suffer(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    match fault.action:
        case Delay(seconds, after_commit):
            response = await handler(request) if after_commit else None
            await asyncio.sleep(seconds)
            return response or await handler(request)
        case TooMany(retry_after, scope, via):
            await _drain(request)
            return _too_many(retry_after, scope, {}) if via else _cloudflare_ban(retry_after)
        case Fail(status, code, message, after_commit):
            await (handler(request) if after_commit else _drain(request))
            return reply(
                {"message": message or f"{status}: scripted fault", "code": code}, status, {"Via": "1.1 google"}
            )
        case Disconnect(after_commit):
            await (handler(request) if after_commit else _drain(request))
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)


async def _drain(request: web.Request) -> None:
    """Take the body off the wire, so that a refusal reaches a client which is still sending."""
    async for _ in request.content.iter_chunked(1 << 16):
        pass


def _too_many(retry_after_s: float, scope: str, headers: dict[str, str]) -> web.Response:
    body = {
        "message": "You are being rate limited.",
        "retry_after": retry_after_s,
        "global": scope == "global",
        "code": 0,
    }
    told = {"Via": "1.1 google", "Retry-After": f"{retry_after_s:g}", "X-RateLimit-Scope": scope, **headers}
    return reply(body, 429, told)


def _cloudflare_ban(retry_after_s: float) -> web.Response:
    """A page of HTML without Via: Discord's outer wall, not its API."""
    return web.Response(
        status=429,
        text="<html><body>error code: 1015</body></html>",
        content_type="text/html",
        headers={"Retry-After": f"{retry_after_s:g}"},
    )
