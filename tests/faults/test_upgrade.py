"""Rolling upgrade: the newest bot on the oldest ledger, and jobs in Redis as older and newer bots wrote them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.faults.audit import ask, check, row, until
from tests.faults.wired import WiredStack
from worker.contract import gpu_queue, job_key

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


async def test_a_job_of_a_newer_bot_waits_for_a_newer_worker(tmp_path: Path) -> None:
    """Today's worker puts it back, goes on with its own jobs, and draws it once it can read it."""
    async with WiredStack(tmp_path) as stack, stack.connect() as client:
        trap = stack.wires["gpu"].trap(rb"[0-9a-f]{16}-r\d", "reply")
        _, job_id = await ask(stack)
        await trap.sprung.wait()
        body = json.loads(await client.get(job_key(job_id)))
        await client.set(job_key(job_id), json.dumps({**body, "schema_version": 99}))
        trap.let_go()
        await until(lambda: "newer bot" in stack.children["gpu"].log_tail(200), "a word in the log")
        _, other = await ask(stack, "max")
        await until(lambda: row(stack, other)["outcome"] == "delivered", "another's job")
        assert row(stack, job_id)["outcome"] is None
        assert await client.llen(f"rq:queue:{gpu_queue('sample')}") == 1
        await client.set(job_key(job_id), json.dumps(body))
        await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
        await check(stack)
