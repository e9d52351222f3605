"""What members do with their reference trays: lay pictures in, put them in order, take them out; and how a tray looks.

Declines to know which button or command asked. The tray itself is in the ledger (bot/ledger/trays.py).
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Sequence

from PIL import Image

from bot.attachments import AttachmentReader
from bot.language import _
from bot.ledger.trays import KEPT, MAX_LABEL, MAX_PICTURES, Laid, Tray, TrayFull, Trays
from bot.presenter import plain, shorten
from bot.refusal import Refusal
from bot.remote import Attached
from flux2 import images
from flux2.sheet import contact_sheet
from worker.blobs import BlobMissing, Blobs

_CELL = 256
"""Pixels of a picture's longer side on the sheet."""
_NAME = 60


class TrayDesk:
    """Serves every member's tray."""

    def __init__(self, trays: Trays, reader: AttachmentReader, blobs: Blobs) -> None:
        self._trays = trays
        self._reader = reader
        self._blobs = blobs

    async def of(self, user_id: int) -> Tray:
        """What lies in the member's tray."""
        return await self._trays.of(user_id)

    async def add(self, user_id: int, pictures: Sequence[Attached]) -> tuple[Tray, tuple[str, ...]]:
        """Download `pictures` and lay them in. Returns the tray and what had to be changed about them. Raises Refusal.

        Nothing is downloaded that surely does not fit.
        """
        if len(pictures) > MAX_PICTURES:
            raise Refusal(
                _("{count} pictures are more than a tray holds; add at most {most}.").format(
                    count=len(pictures), most=MAX_PICTURES
                )
            )
        read = await self._reader.read(pictures)
        laid = [
            Laid(picture=picture, label=shorten(" ".join(one.filename.split()), MAX_LABEL))
            for picture, one in zip(read.pictures, pictures, strict=True)
        ]
        began = time.time()
        await self._forget(await self._trays.forget_stale(), put_before=began)
        try:
            return await self._trays.add(user_id, laid), read.notes
        except TrayFull as full:
            said = _("Your tray holds {count} pictures and it is full; take some out with /tray first.")
            if full.room:
                said = _("Your tray holds {count} pictures and only {room} more fit; take some out with /tray first.")
            raise Refusal(said.format(count=MAX_PICTURES, room=full.room)) from full

    async def arrange(self, user_id: int, order: Callable[[Tray], Tray]) -> Tray:
        """Put the tray in another order, or take some out."""
        began = time.time()
        tray, free = await self._trays.arrange(user_id, order)
        await self._forget(free, put_before=began)
        return tray

    async def _forget(self, free: set[str], *, put_before: float) -> None:
        """Delete pictures nobody refers to, but none that was put again since: somebody is about to refer to it."""
        for sha256 in free:
            await asyncio.to_thread(self._blobs.delete, sha256, put_before=put_before)

    def sheet(self, tray: Tray) -> bytes:
        """Draw the tray as one numbered picture, a WebP. Reads the blobs: not for the event loop."""
        cells = [self._cell(laid) for laid in tray]
        labels = [f"{number} · {laid.label}" for number, laid in enumerate(tray, start=1)]
        return images.encode(contact_sheet(cells, labels), "webp", 85)

    def _cell(self, laid: Laid) -> Image.Image:
        try:
            with Image.open(io.BytesIO(self._blobs.get(laid.picture.sha256))) as picture:
                cell = picture.convert("RGB")
        except BlobMissing:
            return Image.new("RGB", (_CELL, _CELL), (60, 62, 68))
        cell.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        return cell


def first(sha256: str) -> Callable[[Tray], Tray]:
    """An order in which that picture is image 1."""
    return lambda tray: tuple(sorted(tray, key=lambda laid: laid.picture.sha256 != sha256))


def without(blobs: Sequence[str]) -> Callable[[Tray], Tray]:
    """The tray without these pictures."""
    return lambda tray: tuple(laid for laid in tray if laid.picture.sha256 not in blobs)


def in_order(text: str) -> Callable[[Tray], Tray]:
    """The order typed as numbers, such as “3 1 2”; pictures not named follow as they were.

    Raises Refusal, when applied, for a number that is none of the tray's.
    """

    def order(tray: Tray) -> Tray:
        words = text.replace(",", " ").split()
        numbers = [int(word) if word.isdecimal() else 0 for word in words]
        if not tray or any(not 1 <= number <= len(tray) for number in numbers) or len(set(numbers)) < len(numbers):
            raise Refusal(_("Give each picture's number once, 1 to {count}, such as “2 1”.").format(count=len(tray)))
        named = [tray[number - 1] for number in numbers]
        return (*named, *(laid for laid in tray if laid not in named))

    return order


def told(tray: Tray) -> str:
    """The tray in words."""
    if not tray:
        return _(
            "Your reference tray is empty. Fill it with a picture's menu (Apps, Add to references) or with /tray; "
            "then draw with tray:True."
        )
    names = " · ".join(f"{number} {plain(laid.label, _NAME)}" for number, laid in enumerate(tray, start=1))
    return _(
        "Your reference tray: {names}\n"
        "-# Say “image 1”, “image 2” … in the prompt: press Draw…, or use /imagine, /edit or /studio with the tray. "
        "It is emptied after {days} days without a change."
    ).format(names=names, days=KEPT.days)


def alt_text(tray: Tray) -> str:
    """What a screen reader says of the sheet."""
    labels = ", ".join(f"{number} {laid.label}" for number, laid in enumerate(tray, start=1))
    return shorten(_("Contact sheet: {labels}").format(labels=labels), 1024)
