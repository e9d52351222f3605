"""The file ladder: makes a finished picture fit what a channel takes, giving up as little as it can.

Owns which quality goes first and the sentence that says so. Declines to know where the limit comes from. Pure Pillow
work that takes up to seconds: never call it on an event loop.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from flux2 import provenance
from flux2.images import encode
from flux2.provenance import Provenance
from flux2.request import OutputFormat

REQUEST_LIMIT = 25 * 1024 * 1024 - 64 * 1024
"""Bytes of all files of one message: Discord's 25 MiB per request, less room for the text and the form's framing."""

_NAMES: dict[OutputFormat, str] = {"png": "PNG", "webp": "WebP", "jpeg": "JPEG"}
_EXTENSIONS: dict[OutputFormat, str] = {"png": "png", "webp": "webp", "jpeg": "jpg"}

_WEBP_QUALITIES = (90, 80, 65)
_JPEG_QUALITIES = (80, 65, 45)
_SCALES = (0.75, 0.5, 0.35, 0.25, 0.125)
_SCALED_QUALITY = 75


class DoesNotFit(ValueError):
    """Not even the lowest rung is within the limit."""


@dataclass(frozen=True)
class Fitted:
    """Bytes ready to be sent, and what had to be given up, as a sentence, or None if nothing."""

    data: bytes
    output_format: OutputFormat
    note: str | None = None

    @property
    def extension(self) -> str:
        """File name extension without the dot; Discord picks its preview by it."""
        return _EXTENSIONS[self.output_format]


Rung = tuple[OutputFormat, str, Callable[[], bytes]]


def fit(data: bytes, output_format: OutputFormat, limit: int) -> Fitted:
    """Return the first rung of at most `limit` bytes: as is, WebP, JPEG, then smaller. Raises DoesNotFit."""
    if len(data) <= limit:
        return Fitted(data, output_format)
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    for rung_format, words, write in _rungs(image, output_format, provenance.read(data)):
        smaller = write()
        if len(smaller) <= limit:
            whole = f"the whole file ({_bytes(len(data))}) is kept"
            return Fitted(smaller, rung_format, f"Sent as {words} to fit {_bytes(limit)}; {whole}.")
    raise DoesNotFit(f"A picture of {len(data)} bytes cannot be made to fit {limit} bytes.")


def fit_all(files: Sequence[tuple[bytes, OutputFormat]], limit: int, total: int = REQUEST_LIMIT) -> tuple[Fitted, ...]:
    """Fit each file to `limit` bytes and all of them together to `total`. Raises DoesNotFit."""
    each = min(limit, share([min(len(data), limit) for data, _ in files], total))
    return tuple(fit(data, output_format, each) for data, output_format in files)


def share(sizes: Sequence[int], total: int) -> int:
    """Return the largest cap per file for which the capped `sizes` sum to at most `total`.

    Small files keep their size; what they leave is divided among the large ones.
    """
    left = total
    for done, size in enumerate(sorted(sizes)):
        cap = left // (len(sizes) - done)
        if size > cap:
            return cap
        left -= size
    return max(sizes, default=total)


def _rungs(image: Image.Image, output_format: OutputFormat, made: Provenance | None) -> Iterator[Rung]:
    # Who asked for PNG wants every pixel as drawn: a lossless WebP keeps them in about two thirds of the bytes.
    if output_format == "png" and max(image.size) <= _WEBP_SIDE:
        yield "webp", "lossless WebP", lambda: _lossless_webp(image, made)
    if output_format != "jpeg" and max(image.size) <= _WEBP_SIDE:
        for quality in _WEBP_QUALITIES:
            yield "webp", f"WebP of quality {quality}", _writer(image, "webp", quality, made)
    for quality in _JPEG_QUALITIES:
        yield "jpeg", f"JPEG of quality {quality}", _writer(image, "jpeg", quality, made)
    for scale in _SCALES:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        yield "jpeg", f"JPEG of {size[0]}×{size[1]}", _scaled_writer(image, size, made)


_WEBP_SIDE = 16_383
"""Pixels; the WebP format holds no longer side."""


def _writer(
    image: Image.Image, output_format: OutputFormat, quality: int, made: Provenance | None
) -> Callable[[], bytes]:
    return lambda: encode(image, output_format, quality, made)


def _scaled_writer(image: Image.Image, size: tuple[int, int], made: Provenance | None) -> Callable[[], bytes]:
    return lambda: encode(image.resize(size, Image.Resampling.LANCZOS), "jpeg", _SCALED_QUALITY, made)


def _lossless_webp(image: Image.Image, made: Provenance | None) -> bytes:
    file = io.BytesIO()
    metadata = provenance.save_arguments(made, "webp") if made else {}
    # method 2: a third of the default's time for about two per cent more bytes.
    image.save(file, "WEBP", lossless=True, method=2, **metadata)
    return file.getvalue()


def _bytes(limit: int) -> str:
    if limit >= 1024 * 1024:
        return f"{limit / (1024 * 1024):.3g} MB"
    return f"{limit / 1024:.3g} kB"
