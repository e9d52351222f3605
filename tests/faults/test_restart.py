"""Everything that outlives a process, pressed after all of them were started anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.member import Upload
from sandbox.processes import stop_all
from sandbox.stack import Stack
from tests.bot.live.conftest import png
from tests.bot.live.pressing import plant

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_every_button_and_menu_outlives_a_restart_of_everything(tmp_path: Path, openrouter: Any) -> None:
    """Bot, workers and Redis end and start again; then each press leads to its form, answer, picture or end."""

    def upload(name: str, side: int) -> Upload:
        return Upload(name, png(side, side))

    async with Stack(tmp_path, settings=openrouter.settings) as stack:
        stack.server.world.ack_s = 30
        garden = await plant(stack.server, upload)
        await asyncio.to_thread(stop_all, list(stack.children.values()))
        assert stack.redis is not None
        await asyncio.to_thread(stack.redis.stop)
        stack.redis.start()
        for child in stack.children.values():
            child.start()
        await stack.wait_until_ready()
        for press in garden.presses():
            await press.carry_out(stack.server)
