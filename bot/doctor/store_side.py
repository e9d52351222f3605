"""What lies on disks: the ledger and its migrations, the rules, the blobs and the room left for them."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Collection
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.ledger.database import revisions
from bot.ledger.job import LedgerUnusable
from config.finding import Finding, fail, ok, warn
from flux2.errors import CheckpointUnavailable
from flux2.screening import rules
from worker.blobs import BlobMissing, Blobs, BlobsUnavailable, open_blobs

_LOW_BYTES = 5 * 10**9
_OUT_BYTES = 500 * 10**6


async def examine_ledger(url: str) -> list[Finding]:
    """Look at the ledger without changing it."""
    try:
        if (said := _of_file(url)) is not None:
            return [said]
        current, head, known = await revisions(url)
    except LedgerUnusable as error:
        return [fail("Ledger", str(error))]
    except (SQLAlchemyError, OSError, ArgumentError) as error:
        return [fail("Ledger", f"it cannot be read ({error})", "Check DATABASE_URL and the database's log.")]
    if current is None:
        return [ok("Ledger", f"empty; the bot makes it at its start (revision {head})")]
    if current not in known:
        says = f"written by a newer version (revision {current})"
        return [fail("Ledger", says, "Update the bot or restore a backup.")]
    if current != head:
        return [warn("Ledger", f"revision {current}, {head} is the newest", "Restart the bot: it migrates by itself.")]
    return [ok("Ledger", f"revision {current}, the newest")]


def _of_file(url: str) -> Finding | None:
    """What is clear before SQLite is asked, which would make the file."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    file = Path(parsed.database).expanduser()
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if not folder.is_dir():
        return fail("Ledger", f"{folder} is no folder", "Set DATABASE_URL to a file in a folder that can be written.")
    if not os.access(file if file.exists() else folder, os.W_OK) or not os.access(folder, os.W_OK):
        fix = "Give the bot's user write access to that folder."
        return fail("Ledger", f"{file} cannot be written", fix)
    return None if file.exists() else ok("Ledger", f"{file} is made at the bot's start")


async def examine_rules(path: Path | None) -> list[Finding]:
    """Read what nobody may ask for; whether pictures are looked at is the workers' to say."""
    if path is None:
        return [warn("Rules", "no prompt is refused by its words", "Set FLUX2_SCREEN_RULES to default or to a file.")]
    try:
        await asyncio.to_thread(rules.read, path)
    except CheckpointUnavailable as error:
        return [fail("Rules", str(error))]
    return [ok("Rules", f"{path.name}, read and in force")]


async def examine_blobs(url: str) -> list[Finding]:
    """Write, read and delete one blob, and look at the room left."""
    try:
        blobs = await asyncio.to_thread(open_blobs, url)
        await asyncio.to_thread(_try, blobs)
        free = await asyncio.to_thread(blobs.free_bytes)
        owners = await asyncio.to_thread(blobs.owners)
    except BlobsUnavailable as error:
        return [fail("Blobs", str(error))]
    except (OSError, BlobMissing) as error:
        return [fail("Blobs", f"a picture cannot be kept ({error})", "Make BLOB_URL writable for the bot and workers.")]
    return [ok("Blobs", "written, read and deleted"), *_shared(owners), _room(free)]


def _shared(owners: Collection[str]) -> list[Finding]:
    if len(owners) < 2:
        return []
    fix = "Give each bot a BLOB_URL of its own, or delete from the folder owners there whoever is gone."
    return [warn("Blobs", f"{len(owners)} ledgers keep pictures here, so leftovers are not swept", fix)]


def _try(blobs: Blobs) -> None:
    sha256 = blobs.put(b"doctor" + secrets.token_bytes(16))
    blobs.get(sha256)
    blobs.delete(sha256)


def _room(free: int | None) -> Finding:
    if free is None:
        return ok("Disk", "a bucket, without end")
    shown = f"{free / 1e9:.1f} GB free for pictures"
    if free < _OUT_BYTES:
        return fail("Disk", shown, "Free space now, or lower RETENTION_PICTURES_DAYS.")
    if free < _LOW_BYTES:
        return warn("Disk", shown, "Free space, or lower RETENTION_PICTURES_DAYS.")
    return ok("Disk", shown)
