"""The resident child as its parent sees it: a process in a group of its own, a pipe, and a way to end both.

Owns starting and killing. Declines to know what is said on the pipe and when a silence is too long.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Pipe
from pathlib import Path

from worker.pipe import Outfit, ParentEnd, ToChild, ToParent

_log = logging.getLogger(__name__)

_KILLED_WITHIN_S = 30.0
"""A process in an uninterruptible driver call dies late; longer than this and the device is beyond us."""


class Resident:
    """One living child. Start it from the main thread: Linux ties its life to the thread that did."""

    def __init__(self, outfit: Outfit) -> None:
        """Start the child and tell it what to load."""
        ours, theirs = Pipe(duplex=True)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=2,  # a library that prints must not garble ours
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._end = ParentEnd(ours)
        self._end.send(outfit)

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    def send(self, message: ToChild) -> None:
        """Raises PipeClosed."""
        self._end.send(message)

    def receive(self, timeout_s: float) -> ToParent | None:
        """Return its next message; None after `timeout_s` of silence. Raises PipeClosed when it is gone."""
        return self._end.receive(timeout_s)

    def kill(self) -> None:
        """SIGKILL it and everything it started, and reap it. Doing it again has no effect."""
        self._end.close()
        if self._process.returncode is not None:
            return  # reaped: the number may be somebody else's by now
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            _log.debug("child %d was gone already", self._process.pid)
        try:
            self._process.wait(_KILLED_WITHIN_S)
        except subprocess.TimeoutExpired:
            _log.critical("child %d does not die; the driver holds it, and this host needs a look", self._process.pid)

    def loaded_bytes(self) -> int | None:
        """Bytes the child has read and holds so far: what a load is measured by. None where the system cannot say."""
        proc = Path("/proc") / str(self._process.pid)
        try:
            read = proc.joinpath("io").read_text().split()[1]  # rchar: every read(2), cached or not
            resident_pages = proc.joinpath("statm").read_text().split()[1]  # mapped weights never pass read(2)
        except (OSError, IndexError):
            return None
        return int(read) + int(resident_pages) * os.sysconf("SC_PAGE_SIZE")
