"""The ledger's own tests run on SQLite and, where a server binary and the driver are present, on PostgreSQL."""

from __future__ import annotations

import asyncio
import glob
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.ledger.ledger import Ledger
from sandbox.redis_server import free_port

_START_S = 60.0


def _binary(name: str) -> str | None:
    installed = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    return shutil.which(name) or (installed[-1] if installed else None)


def _owner() -> str | None:
    """Who runs the server: it refuses root. None: ourselves."""
    return "postgres" if os.geteuid() == 0 else None


def _why_not() -> str | None:
    if not _binary("postgres") or not _binary("initdb"):
        return "no PostgreSQL server binary is installed"
    if importlib.util.find_spec("asyncpg") is None:
        return "asyncpg is not installed (extra postgres)"
    try:
        pwd.getpwnam(_owner() or pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:
        return "running as root, and there is no user postgres to run the server"
    return None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start of the URL of a server for this test process; append a database's name."""
    if reason := _why_not():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
    owner = _owner()
    if owner:
        shutil.chown(folder, owner)
    data = folder / "data"
    initdb, postgres = _binary("initdb"), _binary("postgres")
    assert initdb is not None
    assert postgres is not None
    subprocess.run(
        [initdb, "-D", str(data), "-U", "ledger", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
        check=True,
        capture_output=True,
        user=owner,
        cwd=folder,
    )
    port = free_port()
    server = subprocess.Popen(
        [postgres, "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=owner,
        cwd=folder,
    )
    try:
        _wait_for(port)
        yield f"postgresql+asyncpg://ledger@127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=_START_S)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("PostgreSQL did not start")


@pytest.fixture
async def postgres_url(postgres_server: str) -> str:
    """An empty PostgreSQL database."""
    name = f"ledger_{secrets.token_hex(6)}"
    engine = create_async_engine(f"{postgres_server}postgres", isolation_level="AUTOCOMMIT")
    for _ in range(600):
        try:
            async with engine.connect() as connection:
                await connection.execute(text(f"CREATE DATABASE {name}"))
            break
        except Exception:  # noqa: BLE001 - "the database system is starting up", in whichever class the driver words it
            await asyncio.sleep(0.1)
    await engine.dispose()
    return f"{postgres_server}{name}"


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def ledger(any_url: str) -> AsyncIterator[Ledger]:
    """An open, empty ledger, on each kind of database."""
    ledger = await Ledger.open(any_url)
    yield ledger
    await ledger.close()
