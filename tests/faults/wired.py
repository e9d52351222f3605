"""A stack whose bot, io and gpu processes each reach Redis through a wire of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.stack import Stack
from tests.faults.audit import until
from tests.faults.wire import Wire

QUICK = {"RECONCILE_INTERVAL_S": "2", "STATUS_EDIT_INTERVAL_S": "0.5"}
"""Looks for what went wrong sooner than in operation, where a test would only wait."""


class WiredStack(Stack):
    """`wires` by role: bot, io, gpu. The local Discord and the test itself reach Redis directly."""

    def __init__(self, folder: Path, *, io_workers: int = 1, **options: Any) -> None:
        self._io_workers = io_workers
        options["settings"] = {**QUICK, **options.get("settings", {})}
        super().__init__(folder, **options)
        assert self.redis is not None
        self.wires = {name: Wire(self.redis.port) for name in ("bot", "io", "gpu")}

    async def start(self) -> Stack:
        """Lay the wires, then start what speaks over them."""
        for wire in self.wires.values():
            await wire.start()
        stack = await super().start()
        self.server.world.ack_s = 30
        return stack

    def _add(self, name: str, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        assert self.redis is not None
        wire = self.wires[name.partition("-")[0]]
        url = self.redis_url.replace(f":{self.redis.port}/", f":{wire.port}/")
        settings = {**settings, "REDIS_URL": url}
        super()._add(name, arguments, settings)
        if name == "io":
            for number in range(2, self._io_workers + 1):
                super()._add(f"io-{number}", arguments, settings)

    async def stop(self) -> None:
        """Stop everything, then cut the wires."""
        await super().stop()
        for wire in self.wires.values():
            await wire.stop()

    async def restart(self, name: str) -> None:
        """Start a child that has ended, and wait until it serves."""
        if name == "bot":
            # Until the local Discord has seen the old connection end, it would take it for the new one.
            await until(lambda: not self.server.gateway.is_connected, "the end of the old connection")
        self.children[name].start()
        await self.wait_until_ready()
