"""The local Discord as a server: REST, gateway, CDN and chat page of one world on one loopback port."""

from __future__ import annotations

from typing import Self

from aiohttp import web

from sandbox import cdn
from sandbox.default_world import sandbox_world
from sandbox.gateway import Gateway
from sandbox.member import Member
from sandbox.message import Attachment
from sandbox.page import routes as page_routes
from sandbox.page.routes import Page
from sandbox.rest import BASE, Call, Rest
from sandbox.world import World

_CLOSING_S = 2.0
_BACKLOG = 1024
"""A rush of answers opens hundreds of connections at once; one too many is tried again by TCP only a second later."""


class SandboxServer:
    """A running world. Make it with `await SandboxServer.start()`, end it with `await server.stop()`."""

    def __init__(
        self, world: World, rest: Rest, gateway: Gateway, page: Page, runner: web.AppRunner, port: int
    ) -> None:
        self.world = world
        self.rest = rest
        self.gateway = gateway
        self.port = port
        self._runner = runner
        self.page = page
        self._members: dict[str, Member] = {}

    @classmethod
    async def start(cls, world: World | None = None, port: int = 0) -> Self:
        """Serve a world (the default one if None) on 127.0.0.1; port 0 takes a free one. Raises OSError."""
        world = world or sandbox_world()
        rest, gateway = Rest(world), Gateway(world)
        page = Page(world, rest, is_bot_online=lambda: gateway.is_connected)
        app = web.Application(client_max_size=1 << 30, middlewares=[rest.break_downloads])
        app.add_subapp(BASE, rest.application())
        app.add_routes([web.get("/gateway", gateway.serve), web.get("/gateway/", gateway.serve)])
        app.add_routes(cdn.routes(world.cdn))
        app.add_subapp(page_routes.BASE, page.application())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSING_S)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        bound: int = runner.addresses[0][1]
        world.cdn.base_url = f"http://127.0.0.1:{bound}"
        server = cls(world, rest, gateway, page, runner, bound)
        gateway.url = rest.users.gateway_url = server.gateway_url
        return server

    async def stop(self) -> None:
        """Close every connection and the port."""
        await self.page.hang_up()
        await self.gateway.close()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """Base of the REST API, version included."""
        return f"http://127.0.0.1:{self.port}{BASE}"

    @property
    def gateway_url(self) -> str:
        """Where the gateway listens."""
        return f"ws://127.0.0.1:{self.port}/gateway"

    @property
    def page_url(self) -> str:
        """The chat page, with the key that opens it in a browser on this machine."""
        return f"http://127.0.0.1:{self.port}{self.page.path}"

    @property
    def is_bot_ready(self) -> bool:
        """True if the bot is connected and has registered commands."""
        return self.gateway.is_connected and len(self.world.commands) > 0

    @property
    def calls(self) -> list[Call]:
        """The REST calls that were answered, oldest first."""
        return list(self.rest.calls)

    def member(self, name: str) -> Member:
        """A member's client. Raises KeyError for a name nobody has."""
        if name not in self._members:
            self._members[name] = Member(self.world, self.world.user(name))
        return self._members[name]

    async def read(self, attachment: Attachment) -> bytes:
        """The bytes of an attachment. Raises LookupError once its message is deleted."""
        data = self.world.cdn.read(attachment.id)
        if data is None:
            raise LookupError(f"{attachment.filename} was deleted with its message")
        return data

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()
