"""The ledger's room for forgetting; `bot.ledger.erasure` says what goes and what stays. Each call is a transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from bot.ledger import erasure, facts, holdings
from bot.ledger.database import Database
from bot.ledger.erasure import Erased, Erasure


class Forgetting:
    """What is to be forgotten of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, *, user_id: int | None = None, guild_id: int | None = None) -> None:
        """Note that a member or a server is to be forgotten."""
        await self._database.write(lambda connection: erasure.ask(connection, user_id=user_id, guild_id=guild_id))

    async def pending(self) -> list[Erasure]:
        """What is still to be forgotten."""
        return await self._database.read(erasure.pending)

    async def open_jobs(self, wanted: Erasure) -> list[str]:
        """Jobs that have to be cancelled first."""
        return await self._database.read(lambda connection: erasure.open_jobs(connection, wanted))

    async def closed_jobs(self, wanted: Erasure) -> list[str]:
        """Jobs that can go now."""
        return await self._database.read(lambda connection: erasure.closed_jobs(connection, wanted))

    async def carry_out(self, wanted: Erasure) -> tuple[Erased, bool]:
        """Forget what can go now; True once nothing is left."""
        try:
            return await self._database.write(lambda connection: erasure.carry_out(connection, wanted))
        finally:
            await self._database.scrub()

    async def known_guilds(self) -> set[int]:
        """Servers something is kept of."""
        return await self._database.read(erasure.known_guilds)

    async def left_guilds(self, present: Collection[int], application_id: int) -> tuple[set[int], set[int]]:
        """Servers that were left, and those that are spared though the application is in none of them."""
        return await self._database.write(lambda it: erasure.left_guilds(it, present, application_id))

    async def retire_pictures(self, before: datetime) -> set[str]:
        """Let go of old pictures; return the blobs to delete."""
        return await self._database.write(lambda connection: erasure.retire_pictures(connection, before))

    async def retire_jobs(self, before: datetime) -> Erased:
        """Forget old jobs."""
        return await self._database.write(lambda connection: erasure.retire_jobs(connection, before))

    async def retire_records(self, audit_before: datetime) -> None:
        """Forget old records."""
        await self._database.write(lambda connection: erasure.retire_records(connection, audit_before))

    async def unreferenced(self, blobs: Collection[str]) -> set[str]:
        """Those of `blobs` that no job, tray or preset refers to."""
        return set(blobs) - await self._database.read(lambda connection: holdings.in_use(connection, blobs))

    async def identity(self) -> str:
        """A name for this ledger that no other has."""
        return await self._database.write(facts.identity)

    async def dossier(self, user_id: int) -> dict[str, list[dict[str, Any]]]:
        """Everything kept of a member."""
        return await self._database.read(lambda connection: erasure.dossier(connection, user_id))

    async def summary(self, user_id: int) -> Sequence[tuple[str, int]]:
        """How many rows of each kind are kept of a member."""
        return await self._database.read(lambda connection: erasure.summary(connection, user_id))
