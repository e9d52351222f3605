"""One gateway session: its sequence, what it was sent, and the connection it has at the moment, if any."""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections import deque
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.wire import Json

REPLAYED = 2000
"""Events kept for a resume."""
RESUMABLE_S = 180.0
"""Seconds a session outlives its connection."""


class Connection:
    """One WebSocket; sends in order, compressed as one zlib stream where the client asked for that."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, *, compressed: bool) -> None:
        self.socket = socket
        self._transport = transport
        self._deflate = zlib.compressobj() if compressed else None
        self._outbox: asyncio.Queue[Json | tuple[int, bytes] | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def send(self, payload: Json) -> None:
        """Queue a payload; nothing happens on a closed connection."""
        self._outbox.put_nowait(payload)

    def close(self, code: int, reason: str = "") -> None:
        """Close after what is queued was sent."""
        self._outbox.put_nowait((code, reason.encode()))

    def cut(self) -> None:
        """Break the line without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def finish(self) -> None:
        """Stop writing: the connection is gone."""
        self._outbox.put_nowait(None)
        await self._writer

    async def _write(self) -> None:
        while (item := await self._outbox.get()) is not None:
            try:
                if isinstance(item, tuple):
                    await self.socket.close(code=item[0], message=item[1])
                else:
                    await self._put(item)
            except (ConnectionError, RuntimeError):
                # The other side is gone; its session keeps what it missed.
                return

    async def _put(self, payload: Json) -> None:
        text = json.dumps(payload, ensure_ascii=False)
        if self._deflate is None:
            await self.socket.send_str(text)
        else:
            packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            await self.socket.send_bytes(packed)


@dataclass(eq=False)
class Session:
    """What READY started: lives across connections as long as it is resumed in time."""

    intents: int
    shard: tuple[int, int]
    connection: Connection | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    lost_at: float | None = None
    """World time at which the connection was lost."""
    sent: deque[Json] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def dispatch(self, event: str, data: Json) -> None:
        """Send an event, or keep it for a resume."""
        self.sequence += 1
        payload: Json = {"op": 0, "t": event, "s": self.sequence, "d": data}
        self.sent.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def is_alive(self, now: float) -> bool:
        """True while it is connected, and for RESUMABLE_S after."""
        return self.lost_at is None or now - self.lost_at <= RESUMABLE_S

    def can_resume_from(self, sequence: int, now: float) -> bool:
        """True if everything after `sequence` is still known and the session did not wait too long."""
        if not self.is_alive(now):
            return False
        oldest = self.sent[0]["s"] if self.sent else self.sequence + 1
        return oldest - 1 <= sequence <= self.sequence

    def serves(self, guild_id: int | None) -> bool:
        """True if events of a guild, or of no guild for None, belong to this shard."""
        number, count = self.shard
        return number == (0 if guild_id is None else (guild_id >> 22) % count)
