"""Pictures by content hash: a folder on one host, or an S3-compatible bucket on several.

Owns durability (a blob is whole or absent, also after a crash) and verification (bytes that are not their name are
never handed out). Declines to know what the bytes are, who refers to them and when they may go.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import re
import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

_SHA256 = re.compile(r"[0-9a-f]{64}")
_INCOMING = "incoming"
_OWNERS = "owners"
_NAME = re.compile(r"[0-9a-f]{1,64}")
_LEFTOVER_S = 3600
"""An unfinished write older than this belongs to a process that died; a write takes milliseconds."""


class BlobMissing(LookupError):
    """No intact blob has that name: it was never put, was deleted, or its bytes no longer match its hash."""


class BlobsUnavailable(RuntimeError):
    """The store cannot be used as configured; the text says what the operator has to do."""


class Blobs(Protocol):
    """A synchronous, thread-safe store; on an event loop call it through `asyncio.to_thread`."""

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its sha256 as 64 hex digits. Putting it again makes it young again."""

    def get(self, sha256: str) -> bytes:
        """Return the bytes called `sha256`. Raises BlobMissing when they are absent or damaged."""

    def exists(self, sha256: str) -> bool:
        """Whether a blob has that name; its bytes are not checked."""

    def delete(self, sha256: str, *, put_before: float | None = None) -> None:
        """Forget the blob; an absent one is fine. With a time, only if it was not put again since."""

    def names(self, shelf: str, *, put_before: float) -> list[str]:
        """Those that begin with the two hex digits `shelf` and were last put before then, in seconds since 1970."""

    def register(self, owner: str) -> None:
        """Note that `owner` keeps its pictures here."""

    def owners(self) -> set[str]:
        """All who do."""

    def free_bytes(self) -> int | None:
        """Bytes left on the disk, or None where there is no such limit."""


def open_blobs(url: str) -> Blobs:
    """Open the store at `url`: `file:///path` or `s3://bucket/prefix`. Raises BlobsUnavailable."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path not in {"", "/"}:
        return FileBlobs(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return _open_s3(f"{parts.netloc}/{parts.path.strip('/')}".rstrip("/"))
    raise BlobsUnavailable(f"BLOB_URL “{url}” is not understood; set it to file:///path or s3://bucket/prefix.")


def _checked(sha256: str) -> str:
    # The one gate between a name from the wire and a path: nothing but 64 hex digits passes.
    if _SHA256.fullmatch(sha256) is None:
        raise BlobMissing(f"{sha256!r} is not a blob name.")
    return sha256


def _is_sha256(name: str) -> bool:
    return _SHA256.fullmatch(name) is not None


def _owner(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} does not name an owner")
    return name


def _verified(sha256: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BlobMissing(f"Blob {sha256} is damaged.")
    return data


class FileBlobs:
    """Blobs as files under `root`, fanned out by the first two hex digits of their hash."""

    def __init__(self, root: Path) -> None:
        """Create the folders and sweep writes a crash left behind. Raises BlobsUnavailable."""
        self._root = root
        self._incoming = root / _INCOMING
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._sweep()
        except OSError as error:
            raise BlobsUnavailable(
                f"The blob folder {root} cannot be used ({error.strerror}); make it writable or set BLOB_URL."
            ) from error

    def _sweep(self) -> None:
        for leftover in self._incoming.iterdir():
            # Another process may finish or sweep the same file at this moment.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > _LEFTOVER_S:
                    leftover.unlink()

    def _path(self, sha256: str) -> Path:
        return self._root / _checked(sha256)[:2] / sha256

    def put(self, data: bytes) -> str:
        """Write to a temporary file, fsync, rename, fsync the folder: after return a power cut cannot undo it."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if self._holds(path, data):
            os.utime(path)
            return sha256
        if not path.parent.is_dir():
            path.parent.mkdir(exist_ok=True)
            _fsync_folder(self._root)
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                # mkstemp makes it private; bot and workers may run as different users of one group.
                os.fchmod(file.fileno(), 0o640)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _fsync_folder(path.parent)
        return sha256

    @staticmethod
    def _holds(path: Path, data: bytes) -> bool:
        # Compared rather than trusted: a damaged blob is mended by the next put of the same picture.
        try:
            return path.stat().st_size == len(data) and path.read_bytes() == data
        except FileNotFoundError:
            return False

    def get(self, sha256: str) -> bytes:
        """Read and verify. Raises BlobMissing."""
        try:
            data = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise BlobMissing(f"Blob {sha256} is not in {self._root}.") from None
        return _verified(sha256, data)

    def exists(self, sha256: str) -> bool:
        """Whether the file is there."""
        return self._path(sha256).is_file()

    def delete(self, sha256: str, *, put_before: float | None = None) -> None:
        """Unlink the file."""
        path = self._path(sha256)
        with contextlib.suppress(FileNotFoundError):
            if put_before is None or path.stat().st_mtime < put_before:
                path.unlink()

    def names(self, shelf: str, *, put_before: float) -> list[str]:
        """One folder's files by their time."""
        try:
            with os.scandir(self._root / shelf) as entries:
                return [one.name for one in entries if _is_sha256(one.name) and one.stat().st_mtime < put_before]
        except FileNotFoundError:
            return []

    def register(self, owner: str) -> None:
        """Make a file."""
        folder = self._root / _OWNERS
        folder.mkdir(exist_ok=True)
        (folder / _owner(owner)).touch()

    def owners(self) -> set[str]:
        """The files' names."""
        folder = self._root / _OWNERS
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def free_bytes(self) -> int | None:
        """Bytes an unprivileged process may still write to this file system."""
        return shutil.disk_usage(self._root).free


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ObjectStore(Protocol):
    """The part of fsspec's file system interface that is used here."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Write a whole object; in S3 an object appears whole or not at all."""

    def cat_file(self, path: str) -> bytes:
        """Read a whole object. Raises FileNotFoundError."""

    def exists(self, path: str) -> bool:
        """Whether the object is there."""

    def rm_file(self, path: str) -> object:
        """Delete the object. May raise FileNotFoundError."""

    def ls(self, path: str, detail: bool) -> list[dict[str, Any]]:
        """What lies under a path. May raise FileNotFoundError."""

    def modified(self, path: str) -> datetime:
        """When the object was written last. Raises FileNotFoundError."""


class ObjectBlobs:
    """Blobs as objects under `prefix` of an object store."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def _path(self, sha256: str) -> str:
        return f"{self._prefix}/{_checked(sha256)[:2]}/{sha256}"

    def put(self, data: bytes) -> str:
        """Upload always: a damaged object is mended and the request is the same price as asking first."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._store.pipe_file(self._path(sha256), data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Download and verify. Raises BlobMissing."""
        try:
            data = self._store.cat_file(self._path(sha256))
        except FileNotFoundError:
            raise BlobMissing(f"Blob {sha256} is not in {self._prefix}.") from None
        return _verified(sha256, data)

    def exists(self, sha256: str) -> bool:
        """Whether the object is there."""
        return bool(self._store.exists(self._path(sha256)))

    def delete(self, sha256: str, *, put_before: float | None = None) -> None:
        """Delete the object."""
        path = self._path(sha256)
        with contextlib.suppress(FileNotFoundError):
            if put_before is None or self._store.modified(path).timestamp() < put_before:
                self._store.rm_file(path)

    def names(self, shelf: str, *, put_before: float) -> list[str]:
        """One listing; S3 tells the time of each object with it."""
        found = []
        for info in self._list(f"{self._prefix}/{shelf}"):
            path = str(info["name"])
            written = info.get("LastModified") or self._store.modified(path)
            if _is_sha256(name := path.rpartition("/")[2]) and written.timestamp() < put_before:
                found.append(name)
        return found

    def register(self, owner: str) -> None:
        """Put an object."""
        self._store.pipe_file(f"{self._prefix}/{_OWNERS}/{_owner(owner)}", owner.encode())

    def owners(self) -> set[str]:
        """The objects' names."""
        return {str(info["name"]).rpartition("/")[2] for info in self._list(f"{self._prefix}/{_OWNERS}")}

    def _list(self, path: str) -> list[dict[str, Any]]:
        try:
            return self._store.ls(path, detail=True)
        except FileNotFoundError:
            return []

    def free_bytes(self) -> int | None:
        """Buckets have no end."""
        return None


def _open_s3(prefix: str) -> ObjectBlobs:
    try:
        s3fs = importlib.import_module("s3fs")
    except ImportError:
        raise BlobsUnavailable(
            "BLOB_URL names S3 but s3fs is not installed; run pip install 'flux2-discord-bot[s3]'."
        ) from None
    # Listings are cached per process and would hide what another host has just put.
    return ObjectBlobs(s3fs.S3FileSystem(use_listings_cache=False), prefix)
