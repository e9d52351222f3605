"""Blobs: durable, atomic, verified, and unreachable by any name that is not a hash."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from worker.blobs import BlobMissing, Blobs, BlobsUnavailable, FileBlobs, ObjectBlobs, open_blobs

DATA = b"a red fox" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["file", "object"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Each kind of store; the object store runs on a real fsspec file system."""
    if request.param == "file":
        return open_blobs(f"file://{tmp_path}/blobs")
    return ObjectBlobs(MemoryFileSystem(skip_instance_cache=True), f"/{tmp_path.name}")


def test_bytes_come_back_under_their_hash(blobs: Blobs) -> None:
    """What was put is got, under the sha256 of its bytes, and is there."""
    assert blobs.put(DATA) == SHA
    assert blobs.exists(SHA)
    assert blobs.get(SHA) == DATA


def test_an_unknown_blob_is_missing(blobs: Blobs) -> None:
    """A hash nobody put raises BlobMissing and does not exist."""
    assert not blobs.exists(SHA)
    with pytest.raises(BlobMissing, match=SHA):
        blobs.get(SHA)


def test_deleting_is_idempotent(blobs: Blobs) -> None:
    """A deleted blob is gone; deleting it again is fine."""
    blobs.put(DATA)
    blobs.delete(SHA)
    blobs.delete(SHA)
    assert not blobs.exists(SHA)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "", SHA.upper(), SHA + "\n", SHA[:63], f"{SHA[:62]}/."]
)
def test_only_a_hash_names_a_blob(blobs: Blobs, name: str) -> None:
    """No name but 64 lower-case hex digits reaches the store, whatever the call."""
    for call in (blobs.get, blobs.exists, blobs.delete):
        with pytest.raises(BlobMissing, match="not a blob name"):
            call(name)


def test_a_damaged_file_is_never_handed_out_and_is_mended_by_the_next_put(tmp_path: Path) -> None:
    """Bytes that do not match their hash are missing; putting the picture again repairs them."""
    blobs = FileBlobs(tmp_path)
    blobs.put(DATA)
    (tmp_path / SHA[:2] / SHA).write_bytes(DATA[:-1] + b"?")
    with pytest.raises(BlobMissing, match="damaged"):
        blobs.get(SHA)
    blobs.put(DATA)
    assert blobs.get(SHA) == DATA


def test_putting_twice_writes_once(tmp_path: Path) -> None:
    """A second put of the same bytes leaves the file where it is."""
    blobs = FileBlobs(tmp_path)
    blobs.put(DATA)
    before = (tmp_path / SHA[:2] / SHA).stat()
    blobs.put(DATA)
    assert (tmp_path / SHA[:2] / SHA).stat().st_ino == before.st_ino


def test_blobs_are_listed_by_shelf_and_age_and_deleted_by_age(blobs: Blobs) -> None:
    """Only names of that shelf, only those put before; one that was put again since is not deleted."""
    blobs.put(DATA)
    blobs.register("abc")
    earlier, later = time.time() - 3600, time.time() + 3600
    assert blobs.names(SHA[:2], put_before=later) == [SHA]
    assert blobs.names(SHA[:2], put_before=earlier) == []
    assert blobs.names("00" if SHA[:2] != "00" else "01", put_before=later) == []
    blobs.delete(SHA, put_before=earlier)
    assert blobs.exists(SHA)
    blobs.delete(SHA, put_before=later)
    blobs.delete(SHA, put_before=later)
    assert not blobs.exists(SHA)


def test_owners_are_known_to_each_other(blobs: Blobs) -> None:
    """Each is noted once, under no name that could leave the store."""
    assert blobs.owners() == set()
    for owner in ("abc", "def", "abc"):
        blobs.register(owner)
    assert blobs.owners() == {"abc", "def"}
    with pytest.raises(ValueError, match="owner"):
        blobs.register("../abc")


def test_concurrent_puts_of_the_same_and_of_different_bytes_all_hold(tmp_path: Path) -> None:
    """Sixteen threads over two stores on one folder lose nothing and leave nothing unfinished."""
    stores = [FileBlobs(tmp_path), FileBlobs(tmp_path)]
    pieces = [os.urandom(20_000) for _ in range(6)]
    with ThreadPoolExecutor(16) as pool:
        names = list(pool.map(lambda i: stores[i % 2].put(pieces[i % 6]), range(96)))
    assert len(set(names)) == 6
    assert all(stores[0].get(hashlib.sha256(piece).hexdigest()) == piece for piece in pieces)
    assert list((tmp_path / "incoming").iterdir()) == []


_ENDLESS_WRITER = """
import os, sys
from pathlib import Path
from worker.blobs import FileBlobs
blobs = FileBlobs(Path(sys.argv[1]))
while True:
    sys.stdout.write(blobs.put(os.urandom(2_000_000)) + "\\n")
    sys.stdout.flush()
"""


def test_a_writer_killed_at_any_moment_leaves_only_whole_blobs(tmp_path: Path) -> None:
    """After SIGKILL in mid-write every name it announced and every file in the store verifies."""
    writer = subprocess.Popen([sys.executable, "-c", _ENDLESS_WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout:
        announced = [writer.stdout.readline().strip() for _ in range(5)]
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    blobs = FileBlobs(tmp_path)
    stored = [path.name for path in tmp_path.glob("??/*")]
    assert set(announced) <= set(stored)
    for name in stored:
        blobs.get(name)


def test_unfinished_writes_of_dead_processes_are_swept_and_young_ones_kept(tmp_path: Path) -> None:
    """Opening a store removes hour-old temporary files, and not one that may still be written."""
    FileBlobs(tmp_path)
    old, young = tmp_path / "incoming" / "old", tmp_path / "incoming" / "young"
    old.write_bytes(b"half a pict")
    young.write_bytes(b"half a pict")
    long_ago = time.time() - 2 * 3600
    os.utime(old, (long_ago, long_ago))
    FileBlobs(tmp_path)
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["young"]


def test_a_failed_write_leaves_no_trace(tmp_path: Path) -> None:
    """Where the disk is full the error is told, and neither blob nor temporary file stays."""
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=_put_under_a_size_limit, args=(str(tmp_path),))
    child.start()
    child.join(30)
    assert child.exitcode == 3
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _put_under_a_size_limit(root: str) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        FileBlobs(Path(root)).put(DATA)
    except OSError:
        sys.exit(3)


def test_free_space_is_that_of_the_disk(tmp_path: Path) -> None:
    """A folder tells what is left on its disk; a bucket has no such figure."""
    free = FileBlobs(tmp_path).free_bytes()
    assert free is not None
    assert free > 0
    assert ObjectBlobs(MemoryFileSystem(), "/x").free_bytes() is None


def test_a_path_with_spaces_survives_the_url(tmp_path: Path) -> None:
    """file URLs are percent-decoded."""
    folder = tmp_path / "my blobs"
    open_blobs(f"file://{quote(str(folder))}").put(DATA)
    assert (folder / SHA[:2] / SHA).is_file()


@pytest.mark.parametrize("url", ["", "blobs", "file://", "file:///", "file://host/path", "http://x/y", "s3://"])
def test_an_unusable_url_says_what_to_set(url: str) -> None:
    """The error names the setting and the two forms."""
    with pytest.raises(BlobsUnavailable, match=r"BLOB_URL.*file:///path or s3://bucket"):
        open_blobs(url)


def test_an_unwritable_folder_says_what_to_do(tmp_path: Path) -> None:
    """A path below a plain file cannot be a folder, and the error says so in one sentence."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(BlobsUnavailable, match="make it writable or set BLOB_URL"):
        open_blobs(f"file://{tmp_path}/file/blobs")


def test_s3_without_its_extra_says_what_to_install() -> None:
    """In an interpreter that cannot import s3fs, an s3 URL answers with the pip command."""
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from worker.blobs import open_blobs\n"
        "try: open_blobs('s3://bucket/p')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("BlobsUnavailable")
    assert "pip install 'flux2-discord-bot[s3]'" in said
