"""The proof that this is Discord's protocol and no dialect: a library nobody here wrote talks to it unchanged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from sandbox.member import Upload
from sandbox.server import SandboxServer

BOT = Path(__file__).with_name("hikari_bot.py")


@pytest.fixture
async def hikari(server: SandboxServer):
    """The bot as a process of its own: its logging and its loop are none of ours."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        BOT,
        server.api_url,
        server.world.token,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    yield process
    if process.returncode is None:
        process.terminate()
    said, _ = await process.communicate()
    assert b"Traceback" not in said, said.decode()


async def test_hikari_logs_in_syncs_a_command_and_answers_it_with_a_file(hikari, server, world, luna) -> None:
    """Real gateway (zlib stream), real REST: defer, read the option's file, fill the answer, post, open a thread."""
    await world.hub.until(lambda: server.is_bot_ready or None, timeout=60)
    use = await luna.slash("ask", {"text": "hello", "file": Upload("a.bin", b"12345")})
    answer = await use.answer()
    assert answer.content == "hello 5"
    [attachment] = answer.attachments
    assert attachment.filename == "answer.txt"
    assert await server.read(attachment) == b"hello 5"
    inside = await world.wait_for(lambda message: message.content == "in the thread")
    starter = world.starter(inside.channel_id)
    assert starter.content == "posted in pictures"
    assert [one.filename for one in starter.attachments] == ["x.png"]
    assert hikari.returncode is None
