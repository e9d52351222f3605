"""Users, the application, direct messages, the gateway's address and refreshed attachment links."""

from __future__ import annotations

from aiohttp import web

from sandbox.body import read_json
from sandbox.payloads import channel_json, own_user_json, user_json
from sandbox.routes.access import number
from sandbox.wire import ApiError, Json, not_found, nothing, reply, snowflake_or_none
from sandbox.world import World

_MESSAGE_CONTENT, _GUILD_MEMBERS, _PRESENCES = 1 << 19, 1 << 15, 1 << 13
"""Application flags of unverified bots with the privileged intents switched on."""


class Users:
    """`/users`, `/applications/@me`, `/gateway`, `/attachments`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.gateway_url = ""
        self.shards = 1
        self.identifies_left = 1000

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/users/@me", self.me),
            web.patch("/users/@me", self.edit_me),
            web.get("/users/@me/guilds", self.my_guilds),
            web.delete("/users/@me/guilds/{guild}", self.leave),
            web.post("/users/@me/channels", self.open_dm),
            web.get("/users/{user}", self.user),
            web.get("/oauth2/applications/@me", self.application),
            web.get("/applications/@me", self.application),
            web.get("/applications/{application}/emojis", self.emojis),
            web.get("/applications/{application}/skus", self.empty),
            web.get("/applications/{application}/entitlements", self.empty),
            web.get("/gateway", self.gateway),
            web.get("/gateway/bot", self.gateway_bot),
            web.post("/attachments/refresh-urls", self.refresh_urls),
        ]

    async def me(self, request: web.Request) -> web.Response:
        """`GET /users/@me`."""
        return reply(own_user_json(self._world.bot))

    async def edit_me(self, request: web.Request) -> web.Response:
        """`PATCH /users/@me`: the name can be changed."""
        body = await read_json(request)
        if body.get("username"):
            self._world.bot.name = str(body["username"])
        return reply(own_user_json(self._world.bot))

    async def user(self, request: web.Request) -> web.Response:
        """`GET /users/{user}`. 10013 for nobody."""
        user = self._world.users.get(number(request, "user"))
        if user is None:
            raise ApiError(10013)
        return reply(user_json(user))

    async def my_guilds(self, request: web.Request) -> web.Response:
        """`GET /users/@me/guilds`."""
        bot = self._world.bot.id
        guilds = [guild for guild in self._world.guilds.values() if bot in guild.members]
        return reply([{"id": str(g.id), "name": g.name, "owner": False, "permissions": "0"} for g in guilds])

    async def leave(self, request: web.Request) -> web.Response:
        """`DELETE /users/@me/guilds/{guild}`."""
        guild = self._world.guilds.get(number(request, "guild"))
        if guild is None or self._world.bot.id not in guild.members:
            raise ApiError(10004)
        del guild.members[self._world.bot.id]
        self._world.publish("GUILD_DELETE", guild)
        return nothing()

    async def open_dm(self, request: web.Request) -> web.Response:
        """`POST /users/@me/channels`: opening works even where sending will not."""
        user = self._world.users.get(snowflake_or_none((await read_json(request)).get("recipient_id")) or 0)
        if user is None:
            raise ApiError(10013)
        if user.bot:
            raise ApiError(50007)
        return reply(channel_json(self._world, self._world.dm(self._world.bot, user)))

    async def application(self, request: web.Request) -> web.Response:
        """`GET /applications/@me` and its older OAuth2 name."""
        app = self._world.application
        switched = (
            (app.message_content, _MESSAGE_CONTENT),
            (app.guild_members, _GUILD_MEMBERS),
            (app.presences, _PRESENCES),
        )
        owner = user_json(self._world.users[self._world.guild.owner_id])
        body: Json = {
            "id": str(app.id),
            "name": app.name,
            "icon": None,
            "description": "",
            "rpc_origins": [],
            "bot_public": True,
            "bot_require_code_grant": False,
            "bot": user_json(self._world.bot),
            "owner": owner,
            "team": None,
            "verify_key": "0" * 64,
            "flags": sum(bit for is_on, bit in switched if is_on),
            "approximate_guild_count": len(self._world.guilds),
            "approximate_user_install_count": 0,
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "tags": [],
            "summary": "",
            "cover_image": None,
            "integration_types_config": {"0": {}, "1": {}} if app.user_install else {"0": {}},
        }
        return reply(body)

    async def emojis(self, request: web.Request) -> web.Response:
        """`GET /applications/{application}/emojis`: there are none."""
        return reply({"items": []})

    async def empty(self, request: web.Request) -> web.Response:
        """Lists that are always empty here."""
        return reply([])

    async def gateway(self, request: web.Request) -> web.Response:
        """`GET /gateway`."""
        return reply({"url": self.gateway_url})

    async def gateway_bot(self, request: web.Request) -> web.Response:
        """`GET /gateway/bot`."""
        start_limit = {
            "total": 1000,
            "remaining": self.identifies_left,
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        }
        return reply({"url": self.gateway_url, "shards": self.shards, "session_start_limit": start_limit})

    async def refresh_urls(self, request: web.Request) -> web.Response:
        """`POST /attachments/refresh-urls`: undocumented by Discord, used by others."""
        urls = (await read_json(request)).get("attachment_urls")
        if not isinstance(urls, list):
            raise not_found()
        fresh = [{"original": url, "refreshed": self._world.cdn.refresh(str(url))} for url in urls]
        return reply({"refreshed_urls": fresh})
