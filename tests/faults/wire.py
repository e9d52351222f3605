"""A TCP proxy on loopback between a process and its Redis that can be made to fail in the middle of a conversation."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["request", "reply"]
_CHUNK = 1 << 16


@dataclass(eq=False)
class Trap:
    """Waits for bytes that match in one direction; the connection that carries them stops there, until `let_go`.

    A request is withheld from the server, or passed on so that only its reply is withheld (`passes`).
    """

    pattern: re.Pattern[bytes]
    direction: Direction
    passes: bool
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    def let_go(self) -> None:
        """Cut the trapped connection: what it withheld is lost."""
        self._gone.set()


class Wire:
    """Carries bytes to one port of 127.0.0.1. `port` is where clients connect once it is started."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._traps: list[Trap] = []
        self._pipes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> Wire:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        for pipe in list(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def trap(self, pattern: bytes, direction: Direction, *, passes: bool = False) -> Trap:
        """Set a trap for the first bytes that match; it strikes once."""
        trap = Trap(re.compile(pattern), direction, passes)
        self._traps.append(trap)
        return trap

    def _sprung(self, data: bytes, direction: Direction) -> Trap | None:
        for trap in self._traps:
            if trap.direction == direction and trap.pattern.search(data):
                self._traps.remove(trap)
                trap.sprung.set()
                return trap
        return None

    async def _carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)
        to_server: asyncio.StreamWriter | None = None
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
            held: list[Trap] = []
            ways = [
                asyncio.create_task(self._pipe(client, to_server, "request", held)),
                asyncio.create_task(self._pipe(server, to_client, "reply", held)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the server is down: so is the line
        finally:
            for writer in filter(None, (to_client, to_server)):
                writer.transport.abort()

    async def _pipe(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: Direction, held: list[Trap]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_CHUNK):
                if trap := self._sprung(data, direction):
                    if trap.passes:
                        held.append(trap)
                    else:
                        await trap._gone.wait()
                        return
                elif direction == "reply" and held:
                    await held[0]._gone.wait()
                    return
                sink.write(data)
                await sink.drain()
