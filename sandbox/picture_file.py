"""Reads the size of a picture from its first bytes and strips metadata, byte by byte and without decoding anything.

Declines to judge: a bomb has its size, a text file named .png has none, a broken file is kept as it came.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PRIVATE_SEGMENTS = frozenset({0xE1, 0xED, 0xFE})
"""APP1 (Exif, XMP), APP13 (IPTC), COM."""
_PRIVATE_CHUNKS = frozenset({b"EXIF", b"XMP "})


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, JPEG, GIF or WebP; None for anything else."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
            return struct.unpack(">II", data[16:24])
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return struct.unpack("<HH", data[6:10])
        if data[:2] == b"\xff\xd8":
            return _jpeg_size(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
    except (struct.error, IndexError):
        return None
    return None


def without_metadata(data: bytes) -> bytes:
    """The same picture without Exif, XMP, IPTC and comments (JPEG, WebP); the turn of a photograph is kept.

    PNG and everything else comes back unchanged.
    """
    try:
        if data[:2] == b"\xff\xd8":
            return _strip_jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _strip_webp(data)
    except (struct.error, IndexError):
        return data
    return data


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each JPEG segment up to the picture data; the last one is the start of scan."""
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        yield marker, at, at + 2 + length
        if marker == 0xDA:
            return
        at += 2 + length


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    for marker, start, _ in _segments(data):
        if marker in _SOF:
            height, width = struct.unpack(">HH", data[start + 5 : start + 9])
            return width, height
    return None


def _strip_jpeg(data: bytes) -> bytes:
    kept = [data[:2]]
    scan = len(data)
    for marker, start, end in _segments(data):
        if marker == 0xDA:
            scan = start
            break
        segment = data[start:end]
        if marker not in _PRIVATE_SEGMENTS:
            kept.append(segment)
        elif segment[4:10] == b"Exif\0\0" and (turn := _orientation(segment[10:])) > 1:
            exif = b"Exif\0\0" + _turn_only(turn)
            kept.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif)
    if scan == len(data):
        return data
    return b"".join(kept) + data[scan:]


def _orientation(tiff: bytes) -> int:
    """The Orientation entry of a TIFF block; 1 if it has none."""
    order = "<" if tiff[:2] == b"II" else ">"
    (at,) = struct.unpack(order + "I", tiff[4:8])
    (count,) = struct.unpack(order + "H", tiff[at : at + 2])
    for index in range(count):
        entry = tiff[at + 2 + 12 * index : at + 14 + 12 * index]
        tag, kind = struct.unpack(order + "HH", entry[:4])
        if (tag, kind) == (0x0112, 3):
            (turn,) = struct.unpack(order + "H", entry[8:10])
            return int(turn)
    return 1


def _turn_only(turn: int) -> bytes:
    """A TIFF block holding nothing but the Orientation."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, turn, 0, 0)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of each WebP chunk."""
    at = 12
    while at + 8 <= len(data):
        (size,) = struct.unpack("<I", data[at + 4 : at + 8])
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _webp_size(data: bytes) -> tuple[int, int] | None:
    for name, body in _chunks(data):
        if name == b"VP8X":
            return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        if name == b"VP8L":
            (bits,) = struct.unpack("<I", body[1:5])
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        if name == b"VP8 ":
            width, height = struct.unpack("<HH", body[6:10])
            return width & 0x3FFF, height & 0x3FFF
    return None


def _strip_webp(data: bytes) -> bytes:
    kept = b""
    for name, body in _chunks(data):
        if name in _PRIVATE_CHUNKS:
            continue
        if name == b"VP8X":
            # Bits 2 and 3 announce XMP and Exif chunks.
            body = bytes([body[0] & ~0x0C]) + body[1:]
        kept += name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + kept
