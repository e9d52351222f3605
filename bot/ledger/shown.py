"""What a form or a list was opened for: a message's menu shows a message once, and ids are too short for a search.

Each call is a transaction. After an hour it is forgotten. Declines to know what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from bot.ledger.database import Database
from bot.ledger.rows import now
from bot.ledger.schema import shown

KEPT = timedelta(hours=1)


class Shown:
    """What every open form or list was opened for, by the interaction that opened it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, interaction_id: int, user_id: int, pictures: Sequence[dict[str, Any]]) -> None:
        """Keep descriptions, of pictures or of a search, as JSON; forget old ones."""
        row = {"interaction_id": interaction_id, "user_id": user_id, "opened_at": now(), "pictures": list(pictures)}

        def work(connection: Any) -> None:
            connection.execute(delete(shown).where(shown.c.opened_at < now() - KEPT))
            connection.execute(shown.insert().values(**row))

        await self._database.write(work)

    async def of(self, interaction_id: int, user_id: int) -> list[dict[str, Any]] | None:
        """What the member's form or list was opened for; None once it is forgotten."""
        wanted = select(shown.c.pictures).where(
            shown.c.interaction_id == interaction_id, shown.c.user_id == user_id, shown.c.opened_at >= now() - KEPT
        )
        found = await self._database.read(lambda connection: connection.execute(wanted).scalar_one_or_none())
        return None if found is None else list(found)
