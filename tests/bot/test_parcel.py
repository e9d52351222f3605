"""Files that are too large for Discord."""

from __future__ import annotations

import zipfile

from bot.parcel import bundle, pack

DATA = b'{"prompt": "a red fox"}\n' * 1000


def test_what_is_too_large_to_send_is_zipped() -> None:
    """Years of rows are more than Discord takes; what repeats itself packs well."""
    assert pack(DATA, "audit-1.jsonl", len(DATA)).filename == "audit-1.jsonl"
    packed = pack(DATA, "audit-1.jsonl", len(DATA) - 1)
    assert packed.filename == "audit-1.zip"
    archive = zipfile.ZipFile(packed.fp)
    assert archive.namelist() == ["audit-1.jsonl"]
    assert archive.read("audit-1.jsonl") == DATA


def test_pictures_come_along_as_far_as_they_fit() -> None:
    """The first ones do; those that are gone take no room; how many were left out is told."""
    lying = {"a": b"\x89PNG" + bytes(3000), "c": b"RIFF" + bytes(3000), "d": bytes(3000), "e": bytes(10)}
    file, missing = bundle(DATA, "flux2-7.json", list("abcde"), lying.get, 8000)
    archive = zipfile.ZipFile(file.fp)
    assert (archive.namelist(), missing) == (["flux2-7.json", "a.png", "c.webp"], 2)
    assert archive.read("c.webp") == lying["c"]
    assert len(file.fp.read()) <= 8000
    assert bundle(DATA, "flux2-7.json", [], lying.get, len(DATA))[0].filename == "flux2-7.json"
