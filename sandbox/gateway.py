"""The gateway: HELLO, IDENTIFY, RESUME, heartbeats, and the world's changes as events to every session they concern."""

from __future__ import annotations

import json
import logging
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.gateway_events import (
    ALL_INTENTS,
    GUILD_MEMBERS,
    GUILD_PRESENCES,
    GUILDS,
    MESSAGE_CONTENT,
    PRIVILEGED,
    Event,
    guild_create_json,
    render,
)
from sandbox.gateway_session import Connection, Session
from sandbox.hub import Change
from sandbox.payloads import member_json, own_user_json
from sandbox.wire import Json
from sandbox.world import World

_log = logging.getLogger(__name__)

HEARTBEAT_MS = 41_250
SENDS = (120, 60.0)
"""Payloads a client may send per seconds on one connection."""
_CONTENT = {"content": "", "embeds": [], "attachments": [], "components": []}


class _Refused(Exception):
    """A connection that is closed with a code of Discord's."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Gateway:
    """All sessions of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.identifies = 0
        self.resumes = 0
        self._connections: set[Connection] = set()
        self._deafen = world.hub.listen(self._heard)
        world.faults.on_gateway.append(self._break)

    @property
    def is_connected(self) -> bool:
        """True if some session has a connection."""
        return any(session.connection is not None for session in self.sessions.values())

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Speak with one client until either side ends it."""
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        compressed = request.query.get("compress") == "zlib-stream"
        connection = Connection(socket, request.transport, compressed=compressed)
        self._connections.add(connection)
        connection.send({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_MS, "_trace": []}, "s": None, "t": None})
        try:
            if request.query.get("v", "10") != "10":
                raise _Refused(4012, "Invalid API version.")
            await self._converse(connection)
        except _Refused as refusal:
            connection.close(refusal.code, refusal.reason)
        finally:
            await connection.finish()
            self._connections.discard(connection)
            self._lost(connection, socket.close_code)
        return socket

    async def _converse(self, connection: Connection) -> None:
        session: Session | None = None
        sends: list[float] = []
        async for message in connection.socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            now = self._world.clock.now()
            sends = [at for at in sends if at > now - SENDS[1]] + [now]
            if len(sends) > SENDS[0]:
                raise _Refused(4008, "Rate limited.")
            session = self._receive(connection, session, message.data)

    def _receive(self, connection: Connection, session: Session | None, raw: str | bytes) -> Session | None:
        """Act on one payload and return the connection's session."""
        try:
            payload = json.loads(raw)
            op, data = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError):
            raise _Refused(4002, "Error while decoding payload.") from None
        match op:
            case 1:
                connection.send({"op": 11, "d": None, "s": None, "t": None})
            case 2 if session is not None:
                raise _Refused(4005, "Already authenticated.")
            case 2:
                return self._identify(connection, data)
            case 6:
                return self._resume(connection, data) or session
            case _ if session is None:
                raise _Refused(4003, "Not authenticated.")
            case 3 | 4 | 31:
                pass
            case 8:
                self._send_members(session, data)
            case _:
                raise _Refused(4001, "Unknown opcode.")
        return session

    def _identify(self, connection: Connection, data: Json) -> Session:
        if data.get("token", "").removeprefix("Bot ") != self._world.token:
            raise _Refused(4004, "Authentication failed.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~ALL_INTENTS:
            raise _Refused(4013, "Invalid intent(s).")
        if intents & PRIVILEGED & ~self._granted():
            raise _Refused(4014, "Disallowed intent(s).")
        shard = tuple(data.get("shard") or (0, 1))
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            raise _Refused(4010, "Invalid shard.")
        session = Session(intents, (shard[0], shard[1]), connection)
        self.sessions[session.id] = session
        self.identifies += 1
        self._welcome(session)
        self._world.publish("BOT_CONNECTED", session)
        return session

    def _granted(self) -> int:
        app = self._world.application
        switches = (
            (app.message_content, MESSAGE_CONTENT),
            (app.guild_members, GUILD_MEMBERS),
            (app.presences, GUILD_PRESENCES),
        )
        return sum(bit for is_on, bit in switches if is_on)

    def _welcome(self, session: Session) -> None:
        bot = self._world.bot
        guilds = [g for g in self._world.guilds.values() if bot.id in g.members and session.serves(g.id)]
        session.dispatch(
            "READY",
            {
                "v": 10,
                "user": own_user_json(bot),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "session_type": "normal",
                "resume_gateway_url": self.url,
                "shard": list(session.shard),
                "application": {"id": str(self._world.application_id), "flags": 0},
                "private_channels": [],
                "relationships": [],
                "_trace": [],
            },
        )
        for guild in guilds if session.intents & GUILDS else ():
            session.dispatch("GUILD_CREATE", guild_create_json(self._world, guild))

    def _resume(self, connection: Connection, data: Json) -> Session | None:
        if data.get("token", "").removeprefix("Bot ") != self._world.token:
            raise _Refused(4004, "Authentication failed.")
        session = self.sessions.get(str(data.get("session_id")))
        sequence = int(data.get("seq") or 0)
        if session is None or not session.can_resume_from(sequence, self._world.clock.now()):
            connection.send({"op": 9, "d": False, "s": None, "t": None})
            return None
        if session.connection is not None and session.connection is not connection:
            session.connection.close(4000)
        session.connection, session.lost_at = connection, None
        self.resumes += 1
        self._world.publish("GATEWAY_CHANGED", session)
        for payload in session.sent:
            if payload["s"] > sequence:
                connection.send(payload)
        session.dispatch("RESUMED", {"_trace": []})
        return session

    def _send_members(self, session: Session, data: Json) -> None:
        """Answer REQUEST_GUILD_MEMBERS in one chunk; everybody at once needs the privileged intent."""
        guild = self._world.guilds.get(int(data.get("guild_id") or 0))
        if guild is None:
            return
        ids = data.get("user_ids")
        wanted = {int(one) for one in (ids if isinstance(ids, list) else [ids] if ids else [])}
        query = str(data.get("query") or "").lower()
        if not wanted and not query and not session.intents & GUILD_MEMBERS:
            return
        limit = int(data.get("limit") or len(guild.members))
        found = [
            member
            for member in guild.members.values()
            if (member.user.id in wanted if wanted else member.user.name.lower().startswith(query))
        ]
        chunk: Json = {
            "guild_id": str(guild.id),
            "members": [member_json(member) for member in found[:limit]],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(one) for one in wanted - set(guild.members)],
        }
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if data.get("nonce") else {}))

    def _heard(self, change: Change) -> None:
        if not self.sessions:
            return
        now = self._world.clock.now()
        self.sessions = {key: session for key, session in self.sessions.items() if session.is_alive(now)}
        event = render(self._world, change)
        for _ in range(self._world.faults.copies(event.name) if event else 0):
            for session in self.sessions.values():
                if event is not None:
                    self._deliver(session, event)

    def _deliver(self, session: Session, event: Event) -> None:
        if not session.serves(event.guild_id) or (event.intent and not session.intents & event.intent):
            return
        data = event.data
        if event.name.startswith("MESSAGE_") and self._hides_content(session, event):
            data = data | _CONTENT
        session.dispatch(event.name, data)

    def _hides_content(self, session: Session, event: Event) -> bool:
        """True if the intent is granted, so REST shows content, but this session did not ask for it."""
        if not self._world.application.message_content or session.intents & MESSAGE_CONTENT:
            return False
        data: dict[str, Any] = event.data
        own = str(self._world.bot.id)
        mentioned = any(user["id"] == own for user in data.get("mentions", ()))
        return "author" in data and data["author"]["id"] != own and "guild_id" in data and not mentioned

    def _lost(self, connection: Connection, code: int | None) -> None:
        """Keep the connection's session for a resume, unless the client ended it."""
        for session in [one for one in self.sessions.values() if one.connection is connection]:
            session.connection, session.lost_at = None, self._world.clock.now()
            if code in (1000, 1001):
                del self.sessions[session.id]
            self._world.publish("GATEWAY_CHANGED", session)
            _log.debug("session %s lost its connection with code %s", session.id, code)

    def _break(self, what: str, code: int) -> None:
        """Carry out a scripted fault on every connection."""
        for connection in list(self._connections):
            match what:
                case "drop":
                    connection.close(code)
                case "cut":
                    connection.cut()
                case "reconnect":
                    connection.send({"op": 7, "d": None, "s": None, "t": None})
                case _:
                    connection.send({"op": 9, "d": bool(code), "s": None, "t": None})
        if what == "invalid" and not code:
            self.sessions.clear()

    async def close(self) -> None:
        """End every connection and hear nothing more."""
        self._deafen()
        self._world.faults.on_gateway.remove(self._break)
        for connection in list(self._connections):
            connection.close(1001, "Going away.")
