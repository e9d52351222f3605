"""The product's own processes, started as an operator would start them and stopped in order.

Each child runs in a folder of its own with an environment built from nothing, so that no setting of the shell and no
`.env` file of a real deployment reaches a demo.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.leash import leash

ROOT = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "OMP_NUM_THREADS", "SYSTEMROOT", "VIRTUAL_ENV")
"""What a child takes over from the shell; never a URL, a token or a key."""


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: the shell's paths and locale, and `settings`."""
    shell = os.environ  # noqa: TID251 - children need PATH and HOME, and nothing else passes
    kept = {name: shell[name] for name in _KEPT if name in shell}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}


@dataclass
class Child:
    """One process of the product: `python -m <module> …`."""

    name: str
    arguments: tuple[str, ...]
    settings: Mapping[str, str]
    folder: Path
    log: Path | None = None
    """Where its log goes; None: this process's stderr."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running child."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start it; it is in a session of its own, so that a Ctrl-C reaches it only through `stop`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as files:
            stderr = files.enter_context(self.log.open("ab")) if self.log else sys.stderr.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=self.folder,
                env=clean_environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=leash(),
            )

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end and return the exit status; None if it did not end in time."""
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """SIGKILL the process alone, as a crash would; what it started must notice by itself."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def kill_group(self) -> None:
        """SIGKILL the process and everything it started: nothing of a sandbox outlives it."""
        if self._process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log, for an error message."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def stop_all(children: list[Child], timeout_s: float = 10.0) -> None:
    """Ask all to stop at once, wait, then kill what is left."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + timeout_s
    for child in children:
        child.wait(max(0.1, deadline - time.monotonic()))
    for child in children:
        child.kill_group()
