"""Passes bytes between a loopback port and a socket in the file system, so that a network namespace reaches one server.

python relay.py listen PORT PATH     127.0.0.1:PORT here to the socket
python relay.py serve PATH PORT      the socket to 127.0.0.1:PORT here
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    sink.close()


def _joining(connect: Connect) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await connect()
        await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))

    return join


async def main(way: str, one: str, other: str) -> None:
    """Serve until killed."""
    if way == "listen":
        server = await asyncio.start_server(
            _joining(lambda: asyncio.open_unix_connection(other)), "127.0.0.1", int(one)
        )
    else:
        server = await asyncio.start_unix_server(
            _joining(lambda: asyncio.open_connection("127.0.0.1", int(other))), one
        )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
