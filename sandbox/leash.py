"""Nothing a sandbox starts outlives it, even when it is killed: the kernel tells its children, where it can (Linux)."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def leash() -> Callable[[], None] | None:
    """Return what `subprocess.Popen(preexec_fn=…)` is to run in a child, or None where the system has no such thing.

    The signal comes when the *thread* that started the child ends, so start children from one that stays.
    """
    if sys.platform != "linux":
        return None
    # Looked up before the fork: the child of a threaded process may not import or allocate freely.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask_for_the_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask_for_the_signal
