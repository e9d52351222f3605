"""The page's own routes below /page, apart from Discord's: files, the feed, a member's acts, and faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from sandbox import cdn
from sandbox.body import read_body, read_json
from sandbox.member import Member
from sandbox.page.feed import Feed
from sandbox.page.guard import Guard
from sandbox.page.hands import Hands
from sandbox.page.trouble import Trouble
from sandbox.page.view import View
from sandbox.rest import Rest
from sandbox.wire import Json
from sandbox.world import World

BASE = "/page"
_STATIC = Path(__file__).parent / "static"
_UPLOAD_BYTES = 512 << 20
"""Of one file on its way here; the member's client then says what Discord would take."""


class Page:
    """The chat page of one world."""

    def __init__(self, world: World, rest: Rest, is_bot_online: Callable[[], bool]) -> None:
        self._world = world
        self._rest = rest
        self._is_bot_online = is_bot_online
        self._guard = Guard()
        self._trouble = Trouble(world, rest)
        self._feeds: set[Feed] = set()

    @property
    def path(self) -> str:
        """Where the page is, with the key that opens it."""
        return f"{BASE}/?key={self._guard.key}"

    def application(self) -> web.Application:
        """An aiohttp application to be mounted at BASE."""
        app = web.Application(middlewares=[self._guard.check])
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/live", self._live),
                web.get("/files/{id}/{name}", self._file),
                web.post("/as/{member}/{act}", self._act),
                web.get("/faults", self._faults),
                web.post("/faults", self._cause),
                web.static("/static", _STATIC),
            ]
        )
        return app

    async def hang_up(self) -> None:
        """End the connections of all open pages; they come back by themselves while there is a server."""
        for feed in list(self._feeds):
            await feed.close()

    async def _index(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_STATIC / "index.html")

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        view = View(self._world, self._known(request.query.get("as", "")))
        feed = Feed(self._world, view, self._is_bot_online)
        self._feeds.add(feed)
        try:
            return await feed.serve(request, self._rest)
        finally:
            self._feeds.discard(feed)

    async def _file(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        attachment = self._world.cdn.attachment(int(number)) if number.isdecimal() else None
        data = self._world.cdn.read(attachment.id) if attachment else None
        if attachment is None or data is None:
            raise web.HTTPNotFound(text="This file is gone: its message was deleted.")
        told = {
            "Content-Type": attachment.content_type or "application/octet-stream",
            "Cache-Control": "private, max-age=86400, immutable",
        }
        return web.Response(body=data, headers=told | cdn.HARMLESS)

    async def _act(self, request: web.Request) -> web.Response:
        member = self._known(request.match_info["member"])
        body = await read_body(request, _UPLOAD_BYTES)
        try:
            return web.json_response(await Hands(self._world, member).do(request.match_info["act"], body))
        except (KeyError, TypeError, ValueError):
            raise web.HTTPBadRequest(text="The page sent something else than its server expects; reload it.") from None

    async def _faults(self, request: web.Request) -> web.Response:
        return web.json_response(self._trouble.show())

    async def _cause(self, request: web.Request) -> web.Response:
        given: Json = await read_json(request)
        try:
            match given["do"]:
                case "add":
                    self._trouble.add(given)
                case "gateway":
                    self._trouble.gateway(given["what"])
                case "clear":
                    self._trouble.clear()
        except (KeyError, ValueError):
            raise web.HTTPBadRequest(text="The faults panel does not offer this.") from None
        return web.json_response(self._trouble.show())

    def _known(self, name: str) -> Member:
        try:
            user = self._world.user(name)
        except KeyError:
            raise web.HTTPNotFound(text="There is no such member.") from None
        if user.bot:
            raise web.HTTPForbidden(text="The bot has hands of its own.")
        return Member(self._world, user)
