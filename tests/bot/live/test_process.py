"""`python -m bot` as a process: how it starts, refuses to start, and stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.ledger.ledger import Ledger
from config.settings import BotSettings
from sandbox.server import SandboxServer

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60.0


def _environment(settings: BotSettings, **changes: str | None) -> dict[str, str]:
    given: dict[str, Any] = {
        "DISCORD_TOKEN": settings.discord_token.get_secret_value(),
        "DISCORD_API_URL": settings.discord_api_url,
        "DISCORD_GATEWAY_URL": settings.discord_gateway_url,
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "BLOB_URL": settings.blob_url,
        "FLUX2_MODEL": "sample",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


async def _bot(environment: dict[str, str], folder: Path) -> asyncio.subprocess.Process:
    # A folder of its own, so that no .env of a developer is read.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", env=environment, cwd=folder, stderr=asyncio.subprocess.PIPE
    )


async def _ended(process: asyncio.subprocess.Process) -> tuple[int | None, list[str]]:
    async with asyncio.timeout(PATIENCE_S):
        _, stderr = await process.communicate()
    return process.returncode, stderr.decode().splitlines()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"DISCORD_TOKEN": None}, 78, "DISCORD_TOKEN"),
        ({"DISCORD_TOKEN": "wrong.token.altogether"}, 78, "DISCORD_TOKEN"),
        ({"DATABASE_URL": "no-such-database://"}, 78, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql+asyncpg://bot:secret@127.0.0.1:1/ledger"}, 69, "DATABASE_URL"),
        ({"LOG_LEVEL": "LOUD"}, 78, "LOG_LEVEL"),
        ({"BLOB_URL": "ftp://nowhere"}, 78, "BLOB_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, 69, "REDIS_URL"),
        ({"DISCORD_API_URL": "http://127.0.0.1:1/api/v10"}, 69, "DISCORD_API_URL"),
    ],
)
async def test_what_the_operator_must_mend_is_one_sentence(
    settings: BotSettings, tmp_path: Path, changes: dict[str, str | None], status: int, words: str
) -> None:
    """A setting that cannot work ends the process with its name and the status service managers do not restart at."""
    returncode, lines = await _ended(await _bot(_environment(settings, **changes), tmp_path))
    assert returncode == status, lines
    assert words in lines[-1]
    assert not any("Traceback" in line or "voice" in line for line in lines)


async def test_it_stops_while_the_gateway_cannot_be_reached(settings: BotSettings, tmp_path: Path) -> None:
    """SIGTERM ends a bot whose gateway was never there; it does not go on trying until it is killed."""
    process = await _bot(_environment(settings, DISCORD_GATEWAY_URL="ws://127.0.0.1:1"), tmp_path)
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while b"Failed to connect" not in await process.stderr.readline():
            pass
    process.send_signal(signal.SIGTERM)
    returncode, lines = await _ended(process)
    assert returncode == 0, "\n".join(lines)


@pytest.mark.parametrize("after_s", [0.6, 1.0, 1.4, 1.8, 2.2])
async def test_it_stops_quietly_while_it_starts(settings: BotSettings, tmp_path: Path, after_s: float) -> None:
    """SIGTERM at any moment of the start ends it without a traceback."""
    process = await _bot(_environment(settings), tmp_path)
    await asyncio.sleep(after_s)
    process.send_signal(signal.SIGTERM)
    returncode, lines = await _ended(process)
    # Before the handler is there, the signal itself ends the process.
    assert returncode in (0, -signal.SIGTERM), "\n".join(lines)
    assert not any("Traceback" in line for line in lines), "\n".join(lines)


async def test_it_stops_when_told_and_loses_nothing(
    server: SandboxServer, settings: BotSettings, gpu: Any, tmp_path: Path
) -> None:
    """On SIGTERM a callback that is at work is finished: its job is accepted and placed, and the status is 0."""
    process = await _bot(_environment(settings), tmp_path)
    try:
        await server.world.hub.until(lambda: server.is_bot_ready or None, PATIENCE_S)
        use = await server.member("luna").slash("imagine", {"prompt": "a red fox"})
        process.send_signal(signal.SIGTERM)
        returncode, lines = await _ended(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert returncode == 0, lines
    assert not any("Traceback" in line for line in lines), "\n".join(lines)
    assert (await use.answer()).content.startswith("“a red fox”")
    ledger = await Ledger.open(settings.database_url.get_secret_value())
    (job,) = await ledger.open_jobs()
    await ledger.close()
    assert job.destination is not None
