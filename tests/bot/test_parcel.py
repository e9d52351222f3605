"""Files that are too large for Discord."""

from __future__ import annotations

import zipfile

from bot.parcel import pack


def test_what_is_too_large_to_send_is_zipped() -> None:
    """Years of rows are more than Discord takes; what repeats itself packs well."""
    data = b'{"prompt": "a red fox"}\n' * 1000
    assert pack(data, "audit-1.jsonl", len(data)).filename == "audit-1.jsonl"
    packed = pack(data, "audit-1.jsonl", len(data) - 1)
    assert packed.filename == "audit-1.zip"
    archive = zipfile.ZipFile(packed.fp)
    assert archive.namelist() == ["audit-1.jsonl"]
    assert archive.read("audit-1.jsonl") == data
