"""Files made to fit what Discord takes: as they are, or zipped. Blocks: not for the event loop."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence

import discord

_ENTRY = 512
"""Bytes that an entry costs an archive beside what it holds, generously."""
_ENDINGS = {b"\x89PNG": "png", b"RIFF": "webp"}


def pack(data: bytes, name: str, most: int) -> discord.File:
    """`data` as a file called `name`, or zipped where it has more than `most` bytes: years of rows pack well."""
    if len(data) <= most:
        return discord.File(io.BytesIO(data), name)
    return _zipped(name, _archive(data, name))


def bundle(
    data: bytes, name: str, pictures: Sequence[str], read: Callable[[str], bytes | None], most: int
) -> tuple[discord.File, int]:
    """`data` with as many of the named pictures as fit, the first first; and how many were left out.

    `read` returns a picture, None for one that is gone.
    """
    if not pictures:
        return pack(data, name, most), 0
    packed = _archive(data, name)
    for done, picture in enumerate(pictures):
        if (found := read(picture)) is None:
            continue
        if len(packed.getbuffer()) + len(found) + _ENTRY > most:
            return _zipped(name, packed), len(pictures) - done
        with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
            archive.writestr(f"{picture}.{_ENDINGS.get(found[:4], 'jpg')}", found)
    return _zipped(name, packed), 0


def _archive(data: bytes, name: str) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return packed


def _zipped(name: str, packed: io.BytesIO) -> discord.File:
    return discord.File(io.BytesIO(packed.getvalue()), f"{name.rpartition('.')[0]}.zip")
