"""A file made to fit what Discord takes: as it is, or zipped. Blocks: not for the event loop."""

from __future__ import annotations

import io
import zipfile

import discord


def pack(data: bytes, name: str, most: int) -> discord.File:
    """`data` as a file called `name`, or zipped where it has more than `most` bytes: years of rows pack well."""
    if len(data) <= most:
        return discord.File(io.BytesIO(data), name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return discord.File(io.BytesIO(packed.getvalue()), f"{name.rpartition('.')[0]}.zip")
