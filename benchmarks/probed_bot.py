"""`python -m bot` with a probe on its event loop: how late callbacks are, every 20 ms, written to LAG_FILE at the end.

The bot itself is unchanged: the probe comes with the event loop that asyncio hands out.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bot.__main__ import main

_EVERY_S = 0.02


class _Probed(asyncio.DefaultEventLoopPolicy):
    """Puts a probe on each new loop and keeps what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.lags_s: list[float] = []

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A loop that notes its own lateness."""
        loop = super().new_event_loop()
        loop.call_soon(self._look, loop, loop.time())
        return loop

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self.lags_s.append(now - due)
        loop.call_at(now + _EVERY_S, self._look, loop, now + _EVERY_S)


if __name__ == "__main__":
    policy = _Probed()
    asyncio.set_event_loop_policy(policy)
    status = main()
    Path(os.environ["LAG_FILE"]).write_text("\n".join(f"{lag:.6f}" for lag in policy.lags_s))
    sys.exit(status)
