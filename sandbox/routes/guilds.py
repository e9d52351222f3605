"""The guild: itself, its channels, roles and members, as far as a bot without privileged intents may see them."""

from __future__ import annotations

from aiohttp import web

from sandbox.guild import Guild, GuildMember
from sandbox.payloads import channel_json, guild_json, member_json, role_json
from sandbox.permissions import Permission, base
from sandbox.routes.access import Access, number
from sandbox.wire import ApiError, nothing, reply
from sandbox.world import World


class Guilds:
    """`/guilds/{guild}`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._access = Access(world)

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        member = "/guilds/{guild}/members/{user:\\d+}"
        return [
            web.get("/guilds/{guild}", self.get),
            web.get("/guilds/{guild}/channels", self.channels),
            web.get("/guilds/{guild}/roles", self.roles),
            web.get("/guilds/{guild}/emojis", self.empty),
            web.get("/guilds/{guild}/stickers", self.empty),
            web.get("/guilds/{guild}/members", self.members),
            web.get("/guilds/{guild}/members/search", self.search),
            web.get(member, self.member),
            web.put(f"{member}/roles/{{role}}", self.grant),
            web.delete(f"{member}/roles/{{role}}", self.revoke),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}`."""
        guild = self._access.guild(request)
        counts = {"approximate_member_count": len(guild.members), "approximate_presence_count": len(guild.members)}
        return reply(guild_json(guild) | (counts if "with_counts" in request.query else {}))

    async def channels(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}/channels`: without threads."""
        guild = self._access.guild(request)
        return reply([channel_json(self._world, c) for c in guild.channels.values() if not c.is_thread])

    async def roles(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}/roles`."""
        return reply([role_json(role) for role in self._access.guild(request).roles.values()])

    async def empty(self, request: web.Request) -> web.Response:
        """Emojis and stickers: there are none."""
        self._access.guild(request)
        return reply([])

    async def member(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}/members/{user}`."""
        return reply(member_json(self._member(request)))

    async def members(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}/members`: needs the privileged intent."""
        guild = self._access.guild(request)
        if not self._world.application.guild_members:
            raise ApiError(50001)
        limit = int(request.query.get("limit", "1"))
        after = int(request.query.get("after", "0"))
        found = [guild.members[user_id] for user_id in sorted(guild.members) if user_id > after]
        return reply([member_json(member) for member in found[:limit]])

    async def search(self, request: web.Request) -> web.Response:
        """`GET /guilds/{guild}/members/search`."""
        guild = self._access.guild(request)
        begins = request.query.get("query", "").lower()
        found = [member for member in guild.members.values() if member.user.name.lower().startswith(begins)]
        return reply([member_json(member) for member in found[: int(request.query.get("limit", "1"))]])

    async def grant(self, request: web.Request) -> web.Response:
        """`PUT …/members/{user}/roles/{role}`."""
        member, role_id = self._role_change(request)
        member.role_ids.add(role_id)
        return nothing()

    async def revoke(self, request: web.Request) -> web.Response:
        """`DELETE …/members/{user}/roles/{role}`."""
        member, role_id = self._role_change(request)
        member.role_ids.discard(role_id)
        return nothing()

    def _role_change(self, request: web.Request) -> tuple[GuildMember, int]:
        guild = self._access.guild(request)
        if not base(guild, self._world.bot.id) & Permission.MANAGE_ROLES:
            raise ApiError(50013)
        role_id = number(request, "role")
        if role_id not in guild.roles:
            raise ApiError(10011)
        return self._member(request, guild), role_id

    def _member(self, request: web.Request, guild: Guild | None = None) -> GuildMember:
        guild = guild or self._access.guild(request)
        user_id = number(request, "user")
        if user_id in guild.members:
            return guild.members[user_id]
        raise ApiError(10007 if user_id in self._world.users else 10013)
