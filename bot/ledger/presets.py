"""What members keep for later: presets, some of them shared with a server, and preferences. Each call is a transaction.

Declines to know what is in them; that is `bot.preset`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, update

from bot.ledger.database import Database
from bot.ledger.rows import now
from bot.ledger.schema import preferences, presets
from bot.preset import Preferences, Preset
from bot.shared_look import SharedLook

_FRESH_S = 1.0
"""How long it is believed who draws in private: it is asked before a command is answered, also in a rush of them."""
MAX_PRESETS = 50
"""Presets one member may keep."""


@dataclass(frozen=True)
class Kept:
    """A preset, whose it is, and the server that may use it too."""

    preset: Preset
    user_id: int
    shared_with: int | None


class ShelfFull(Exception):
    """The member keeps MAX_PRESETS presets already."""


class Shelf:
    """Presets and preferences of every member."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._private: tuple[float, frozenset[int]] | None = None
        self._look = SharedLook(lambda: database.read(_private_members))

    async def save(self, user_id: int, preset: Preset) -> bool:
        """Keep `preset`, in place of the member's own of that name. True: there was one. Raises ShelfFull."""
        return await self._database.write(lambda connection: _save(connection, user_id, preset))

    async def delete(self, user_id: int, name: str) -> bool:
        """Forget the member's own preset. False: there was none."""
        gone = delete(presets).where(_own(user_id, name))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount > 0)

    async def share(self, user_id: int, name: str, guild_id: int | None) -> bool:
        """Let the members of a server use the member's preset, or nobody else (None). False: there is none."""
        change = update(presets).where(_own(user_id, name)).values(shared_with=guild_id)
        return await self._database.write(lambda connection: connection.execute(change).rowcount > 0)

    async def find(self, user_id: int, guild_id: int | None, names: Sequence[str]) -> dict[str, Kept]:
        """The presets of these names that the member may use, by name; an own one goes before a shared one."""
        if not names:
            return {}
        kept = await self._visible(user_id, guild_id, presets.c.name.in_(names))
        return {one.preset.name: one for one in sorted(kept, key=lambda one: one.user_id == user_id)}

    async def visible(self, user_id: int, guild_id: int | None) -> list[Kept]:
        """Every preset the member may use: own ones first, then those shared with the server; by name."""
        kept = await self._visible(user_id, guild_id)
        return sorted(kept, key=lambda one: (one.user_id != user_id, one.preset.name, one.user_id))

    async def preferences(self, user_id: int) -> Preferences:
        """What the member prefers."""
        wanted = select(preferences.c.preferences).where(preferences.c.user_id == user_id)
        found = await self._database.read(lambda connection: connection.execute(wanted).scalar_one_or_none())
        return Preferences() if found is None else Preferences.model_validate(found)

    async def set_preferences(self, user_id: int, preferred: Preferences) -> None:
        """Keep what the member prefers; nothing at all is forgotten."""
        await self._database.write(lambda connection: _prefer(connection, user_id, preferred))
        self._private = None

    async def draws_in_private(self, user_id: int) -> bool:
        """Whether the member wants what commands draw for himself, by a look at most a second old."""
        kept = self._private
        if kept is None or time.monotonic() - kept[0] > _FRESH_S:
            kept = self._private = (time.monotonic(), await self._look())
        return user_id in kept[1]

    async def _visible(self, user_id: int, guild_id: int | None, *clauses: ColumnElement[bool]) -> list[Kept]:
        shared = and_(presets.c.shared_with.is_not(None), presets.c.shared_with == guild_id)
        wanted = select(presets).where(or_(presets.c.user_id == user_id, shared), *clauses)
        return await self._database.read(lambda connection: [_as_kept(row) for row in connection.execute(wanted)])


def _private_members(connection: Connection) -> frozenset[int]:
    wanted = select(preferences.c.user_id).where(preferences.c.preferences["is_private"].as_boolean())
    return frozenset(connection.execute(wanted).scalars())


def _own(user_id: int, name: str) -> ColumnElement[bool]:
    return and_(presets.c.user_id == user_id, presets.c.name == name)


def _as_kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(Preset.model_validate(row.preset), row.user_id, row.shared_with)


def _save(connection: Connection, user_id: int, preset: Preset) -> bool:
    # Writers take turns, so nobody inserts between these.
    written = {"preset": preset.model_dump(mode="json"), "changed_at": now()}
    if connection.execute(update(presets).where(_own(user_id, preset.name)).values(**written)).rowcount:
        return True
    kept = connection.execute(select(func.count()).where(presets.c.user_id == user_id)).scalar_one()
    if kept >= MAX_PRESETS:
        raise ShelfFull
    connection.execute(presets.insert().values(user_id=user_id, name=preset.name, **written))
    return False


def _prefer(connection: Connection, user_id: int, preferred: Preferences) -> None:
    connection.execute(delete(preferences).where(preferences.c.user_id == user_id))
    if preferred != Preferences():
        document = preferred.model_dump(mode="json")
        connection.execute(preferences.insert().values(user_id=user_id, changed_at=now(), preferences=document))
