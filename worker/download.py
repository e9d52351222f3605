"""One large file of a hub repository, put where the hub library's cache keeps it; goes on where an earlier try stopped.

The library itself starts a file over in every process, and a shard of a large model is gigabytes. Owns the bytes of one
file; which files are wanted and what an error means to the operator is `worker.fetch`'s and `flux2.checkpoint`'s.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from huggingface_hub.file_download import HfFileMetadata

_CHUNK_BYTES = 1024 * 1024
_TRIES = 5
_SHA256_LENGTH = 64
"""A stored file's ETag is its sha256; shorter ones are git's and name small text files."""


class Incomplete(OSError):
    """The line broke, or the bytes are not what the hub says they are."""


def bring(repository: str, revision: str, name: str, blobs: Path, token: str | None) -> None:
    """Have the file `name` of `repository` complete and verified in the cache folder `blobs`; progress on stderr.

    A broken line is tried again while it brings bytes. Raises what the hub library raises, and Incomplete.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    metadata = get_hf_file_metadata(hf_hub_url(repository, name, revision=revision), token=token or False)
    if metadata.etag is None or metadata.size is None:
        raise Incomplete(f"the hub does not say how large {name} is")
    blob = blobs / metadata.etag
    if blob.exists():
        return
    blobs.mkdir(parents=True, exist_ok=True)
    part = blobs / f"{metadata.etag}.part"
    _fill(part, metadata, name, token)
    _verify(part, metadata, name)
    os.replace(part, blob)


def _fill(part: Path, metadata: HfFileMetadata, name: str, token: str | None) -> None:
    from tqdm import tqdm

    size = metadata.size or 0
    with tqdm(total=size, initial=_size(part), unit="B", unit_scale=True, unit_divisor=1024, desc=name) as bar:
        idle_tries, error = 0, None
        while (had := _size(part)) < size and idle_tries < _TRIES:
            try:
                _stream(part, metadata, token, bar)
            except Exception as broken:  # noqa: BLE001 - the hub library's transport and its errors are its business
                error = broken
            idle_tries = 0 if _size(part) > had else idle_tries + 1
    if _size(part) < size:
        raise Incomplete(f"{name} stopped at {_size(part)} of {size} bytes") from error


def _stream(part: Path, metadata: HfFileMetadata, token: str | None, bar: Any) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session  # type: ignore[attr-defined]

    have = _size(part)
    # The token is for the hub alone: stored files lie with a content network of another host.
    is_hub = urlsplit(metadata.location).netloc == urlsplit(constants.ENDPOINT).netloc
    headers = {
        **build_hf_headers(token=(token or False) if is_hub else False),
        "Range": f"bytes={have}-",
        "Accept-Encoding": "identity",
    }
    with get_session().stream("GET", metadata.location, headers=headers, follow_redirects=True) as response:
        response.raise_for_status()
        is_rest = response.status_code == 206
        if not is_rest:
            bar.reset()
        with part.open("ab" if is_rest else "wb") as file:
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))


def _verify(part: Path, metadata: HfFileMetadata, name: str) -> None:
    whole = part.stat().st_size == metadata.size
    if whole and len(metadata.etag or "") == _SHA256_LENGTH:
        with part.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == metadata.etag
    if not whole:
        part.unlink()
        raise Incomplete(f"{name} arrived damaged")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
