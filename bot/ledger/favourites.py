"""Which pictures a member wants to find again. Each call is a transaction."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, select

from bot.ledger.database import Database
from bot.ledger.rows import now
from bot.ledger.schema import favourites


class Favourites:
    """Favourites of every member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def toggle(self, user_id: int, job_id: str) -> bool:
        """Make the job a favourite of the member, or no longer. Returns whether it is one now."""
        return await self._database.write(lambda connection: _toggle(connection, user_id, job_id))

    async def holds(self, user_id: int, job_id: str) -> bool:
        """Whether the job is a favourite of the member."""
        wanted = select(favourites.c.job_id).where(favourites.c.user_id == user_id, favourites.c.job_id == job_id)
        return await self._database.read(lambda connection: connection.execute(wanted).first() is not None)

    async def of(self, user_id: int) -> list[str]:
        """Job ids of the member's favourites, the latest first."""
        wanted = select(favourites.c.job_id).where(favourites.c.user_id == user_id)
        newest = wanted.order_by(favourites.c.created_at.desc(), favourites.c.job_id)
        return await self._database.read(lambda connection: list(connection.execute(newest).scalars()))


def _toggle(connection: Connection, user_id: int, job_id: str) -> bool:
    row = and_(favourites.c.user_id == user_id, favourites.c.job_id == job_id)
    if connection.execute(delete(favourites).where(row)).rowcount:
        return False
    connection.execute(favourites.insert().values(user_id=user_id, job_id=job_id, created_at=now()))
    return True
