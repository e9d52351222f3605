"""Rolling upgrade: the newest bot on the oldest ledger, and jobs in Redis as older and newer bots wrote them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.faults.audit import check, row, until
from tests.faults.wired import WiredStack

OLDEST = Path(__file__).parents[1] / "bot" / "ledger" / "released" / "0001.sql"
WAITING, RUNNING, DELIVERING = "0000000000000004", "0000000000000003", "0000000000000002"


class UpgradedStack(WiredStack):
    """Its ledger is one of the first release, with jobs of members who are in this world."""

    def _add(self, name: str, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        if name == "bot":
            self._restore()
        super()._add(name, arguments, settings)

    def _restore(self) -> None:
        world = self.server.world
        pictures, luna = world.channel("pictures"), world.user("luna")
        place = {"channel_id": pictures.id, "guild_id": world.guild.id, "dm_user_id": luna.id}
        with sqlite3.connect(self.folder / "ledger.db") as connection:
            connection.executescript(OLDEST.read_text())
            connection.execute(
                "UPDATE jobs SET user_id = ?, guild_id = ?, channel_id = ?, destination = ?, status = NULL,"
                " is_status_final = 1",
                (luna.id, world.guild.id, pictures.id, json.dumps(place)),
            )
            # Those that ended did so in another world; its messages are not here to be counted.
            connection.execute("DELETE FROM jobs WHERE state = 'closed'")
            connection.execute("UPDATE shares SET user_id = ?", (luna.id,))
        connection.close()


@pytest.mark.slow
async def test_jobs_of_the_first_release_are_finished_by_this_one(tmp_path: Path) -> None:
    """A waiting and a running row of the oldest ledger, whose requests have no kind yet, are drawn and posted; the one
    that was to be posted and whose picture is gone is drawn again."""
    stack = UpgradedStack(tmp_path)
    async with stack:
        for job_id in (WAITING, RUNNING, DELIVERING):
            await until(
                lambda job_id=job_id: row(stack, job_id)["outcome"] == "delivered", f"delivery of {job_id}", 200
            )
        await check(stack)
