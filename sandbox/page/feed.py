"""The news of the world over a WebSocket, as one member hears it.

A page is first told everything, so one that was cut off has missed nothing once it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import WSMsgType, web

from sandbox.guild import Channel
from sandbox.hub import Change
from sandbox.message import Message
from sandbox.page.view import View
from sandbox.rest import Call, Rest
from sandbox.wire import Json
from sandbox.world import World

_GONE = ("CHANNEL_DELETE", "THREAD_DELETE")
_HEARTBEAT_S = 20.0


class Feed:
    """One page's connection."""

    def __init__(self, world: World, view: View, is_bot_online: Callable[[], bool]) -> None:
        self._world = world
        self._view = view
        self._is_bot_online = is_bot_online
        self._queue: asyncio.Queue[Json] = asyncio.Queue()
        self._socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S)

    async def serve(self, request: web.Request, rest: Rest) -> web.WebSocketResponse:
        """Send everything, then the news and the bot's calls, until the page goes away."""
        socket = self._socket
        await socket.prepare(request)
        self._queue.put_nowait({"type": "everything", **self._view.everything(), "online": self._is_bot_online()})
        stops = [self._world.hub.listen(self._hear), rest.listen(self._hear_call)]
        sending = asyncio.create_task(self._send(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            for stop in stops:
                stop()
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        return socket

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close(code=1001)

    async def _send(self, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await socket.send_json(await self._queue.get())

    def _hear(self, change: Change) -> None:
        for event in self._events(change):
            self._queue.put_nowait(event)

    def _hear_call(self, call: Call) -> None:
        self._queue.put_nowait({"type": "call", "call": call_json(call)})

    def _events(self, change: Change) -> list[Json]:
        match change.kind, change.subject:
            case "MESSAGE_DELETE", Message() as message:
                return [{"type": "message_gone", "id": str(message.id), "channel_id": str(message.channel_id)}]
            case "MESSAGE_CREATE" | "MESSAGE_UPDATE" | "REACTIONS_CHANGED", Message() as message:
                return self._message(change.kind, message)
            case "TYPING_START", Channel() as channel if self._view.sees_channel(channel):
                return [{"type": "typing", "channel_id": str(channel.id)}]
            case kind, Channel() as channel if kind in _GONE:
                return [{"type": "channel_gone", "id": str(channel.id)}]
            case _, Channel() as channel if self._view.sees_channel(channel):
                return [{"type": "channel", "channel": self._view.channel(channel)}]
            case "BOT_CONNECTED" | "GATEWAY_CHANGED", _:
                return [{"type": "online", "online": self._is_bot_online()}]
        return []

    def _message(self, kind: str, message: Message) -> list[Json]:
        if not self._view.sees(message):
            return []
        shown: Json = {"type": "message", "is_new": kind == "MESSAGE_CREATE", "message": self._view.message(message)}
        channel = self._world.channels[message.channel_id]
        # A thread's count moves with each message, and direct messages begin to exist with their first one.
        told = [{"type": "channel", "channel": self._view.channel(channel)}] if channel.is_thread else []
        return [*told, shown]


def call_json(call: Call) -> Json:
    """One REST call of the bot."""
    return {"method": call.method, "path": call.path, "status": call.status, "at": call.at}
