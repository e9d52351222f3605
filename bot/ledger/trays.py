"""Reference trays: the pictures each member has laid by for coming ones, in order. Each call is a transaction.

A tray nobody touched for a week is empty. Declines to know where the pictures come from and who draws with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, delete, select

from bot.ledger import holdings
from bot.ledger.database import Database
from bot.ledger.rows import now
from bot.ledger.schema import trays
from flux2.request import MAX_REFERENCES, ReferenceImage

MAX_PICTURES = MAX_REFERENCES
KEPT = timedelta(days=7)
MAX_LABEL = 80


class Laid(BaseModel):
    """A picture in a tray, and the words that tell its owner which one it is."""

    model_config = ConfigDict(frozen=True)

    picture: ReferenceImage
    label: str = Field(max_length=MAX_LABEL)


Tray = tuple[Laid, ...]


class TrayFull(Exception):
    """The pictures do not fit; nothing was added. `room` is how many would."""

    def __init__(self, room: int) -> None:
        super().__init__(f"{room} more pictures fit")
        self.room = room


class Trays:
    """The tray of every member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user_id: int) -> Tray:
        """What lies in the member's tray."""
        return await self._database.read(lambda connection: _read(connection, user_id))

    async def add(self, user_id: int, pictures: Sequence[Laid]) -> Tray:
        """Lay `pictures` behind what is there; one that lies there already is not doubled. Raises TrayFull."""

        def more(tray: Tray) -> Tray:
            known = {laid.picture.sha256 for laid in tray}
            new = {laid.picture.sha256: laid for laid in pictures if laid.picture.sha256 not in known}
            if len(tray) + len(new) > MAX_PICTURES:
                raise TrayFull(MAX_PICTURES - len(tray))
            return (*tray, *new.values())

        return (await self._change(user_id, more))[0]

    async def arrange(self, user_id: int, order: Callable[[Tray], Tray]) -> tuple[Tray, set[str]]:
        """Put `order(tray)` in the tray's place: the same pictures in another order, or fewer of them.

        Returns it, and the blobs that nothing refers to any more. What `order` raises changes nothing.
        """
        return await self._change(user_id, order)

    async def forget_stale(self) -> set[str]:
        """Empty the trays nobody touched for a week; return the blobs that nothing refers to any more."""

        def work(connection: Connection) -> set[str]:
            stale = trays.c.changed_at < now() - KEPT
            gone = set(connection.execute(select(trays.c.sha256).where(stale)).scalars())
            connection.execute(delete(trays).where(stale))
            return gone - holdings.in_use(connection, gone)

        return await self._database.write(work)

    async def _change(self, user_id: int, revise: Callable[[Tray], Tray]) -> tuple[Tray, set[str]]:
        def work(connection: Connection) -> tuple[Tray, set[str]]:
            before = _read(connection, user_id)
            tray = revise(before)
            _write(connection, user_id, tray)
            gone = {laid.picture.sha256 for laid in before} - {laid.picture.sha256 for laid in tray}
            return tray, gone - holdings.in_use(connection, gone)

        return await self._database.write(work)


def _read(connection: Connection, user_id: int) -> Tray:
    wanted = select(trays).where(trays.c.user_id == user_id, trays.c.changed_at >= now() - KEPT)
    found = connection.execute(wanted.order_by(trays.c.place))
    return tuple(
        Laid(picture=ReferenceImage(sha256=row.sha256, width=row.width, height=row.height), label=row.label)
        for row in found
    )


def _write(connection: Connection, user_id: int, tray: Tray) -> None:
    connection.execute(delete(trays).where(trays.c.user_id == user_id))
    if not tray:
        return
    changed_at = now()
    rows = [
        {
            "user_id": user_id,
            "place": place,
            "sha256": laid.picture.sha256,
            "width": laid.picture.width,
            "height": laid.picture.height,
            "label": laid.label,
            "changed_at": changed_at,
        }
        for place, laid in enumerate(tray, start=1)
    ]
    connection.execute(trays.insert(), rows)
