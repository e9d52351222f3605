"""Picture bytes in, plain RGB out; and RGB into a file's bytes. Torch-free.

Owns what a stranger's file may be and how it is made harmless. Declines to know where bytes come from or what the
picture is for.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import cast

from PIL import Image, ImageOps

from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.provenance import Provenance, save_arguments
from flux2.request import OutputFormat

MAX_ASPECT = 8
"""Longest allowed shape of a reference, as long side over short side; diffusers refuses more."""

_ORIENTATION = 0x0112
_READABLE = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_ANIMATED = {"PNG", "WEBP", "GIF", "AVIF"}
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_FOREIGN = {
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"<?xml": "SVG or XML",
    b"\x00\x00\x01\x00": "icon",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
}
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError,
    MemoryError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""All that Pillow's decoders were seen to raise over damaged bytes."""


@dataclass(frozen=True)
class Reference:
    """A picture ready to be looked at: upright 8-bit RGB, and sentences on what had to be changed."""

    image: Image.Image
    notes: tuple[str, ...] = ()


def open_reference(data: bytes, *, max_pixels: int, ground: str = "white") -> Reference:
    """Decode `data` into upright RGB; what is transparent becomes `ground`.

    The type is sniffed from the bytes, never from a name; the size is checked in the header, before any pixel is
    decoded. Raises InvalidRequest for what is no picture, damaged, of another type, too large or too long.
    """
    image = _open(data, max_pixels)
    if image.width * image.height > max_pixels:
        raise _too_large(max_pixels)
    check_shape(image.size)
    deep = _is_deep(image)
    try:
        notes = _first_frame_note(image)
        image.load()
        upright = ImageOps.exif_transpose(image)
        flat, flat_notes = _flatten(upright, deep, ground)
        if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
            notes.append(_("The picture was turned upright as its EXIF data says."))
    except _BROKEN as broken:
        raise _damaged() from broken
    return Reference(flat, (*notes, *flat_notes))


def check_shape(size: tuple[int, int]) -> None:
    """Raise InvalidRequest if (width, height) is longer than MAX_ASPECT to one."""
    width, height = size
    if max(size) > MAX_ASPECT * min(size):
        raise InvalidRequest(
            _(
                "The image is {width}x{height}; crop it to at most {most}:1, since nothing longer can be looked at."
            ).format(width=width, height=height, most=MAX_ASPECT)
        )


def encode(
    image: Image.Image, output_format: OutputFormat, quality: int, provenance: Provenance | None = None
) -> bytes:
    """Return the bytes of a file, with `provenance` in its metadata. `quality` 0 to 100 is for webp and jpeg."""
    file = io.BytesIO()
    metadata = save_arguments(provenance, output_format) if provenance else {}
    if output_format == "png":
        image.save(file, "PNG", compress_level=1, **metadata)  # higher levels cost seconds at 4 MP for a few per cent
    elif output_format == "webp":
        image.save(file, "WEBP", quality=quality, method=4, **metadata)
    else:
        image.save(file, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2, **metadata)
    return file.getvalue()


def _open(data: bytes, max_pixels: int) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_READABLE)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise _too_large(max_pixels) from bomb
    except _BROKEN as unknown:
        raise _unreadable(data) from unknown


def _unreadable(data: bytes) -> InvalidRequest:
    brand = data[4:12]
    if data.startswith(_MAGIC) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or brand == b"ftypavif":
        return _damaged()
    name = next((name for magic, name in _FOREIGN.items() if data.startswith(magic)), None)
    if brand[:4] == b"ftyp":
        name = "HEIC" if brand[4:] in (b"heic", b"heix", b"mif1") else "video"
    if name:
        return InvalidRequest(
            _("A file of type {type} cannot be read; save it as PNG, JPEG or WebP and attach that.").format(type=name)
        )
    return InvalidRequest(_("The file is not a picture; attach a PNG, JPEG, WebP or GIF."))


def _damaged() -> InvalidRequest:
    return InvalidRequest(_("The picture is damaged or cut off; save it again and attach the new file."))


def _too_large(max_pixels: int) -> InvalidRequest:
    limit = f"{max_pixels / 1e6:g}"
    return InvalidRequest(
        _("The picture is larger than {limit} megapixels; scale it down and attach it again.").format(limit=limit)
    )


def _first_frame_note(image: Image.Image) -> list[str]:
    if image.format in _ANIMATED and getattr(image, "is_animated", False):
        return [_("The picture is animated; its first frame was used.")]
    return []


def _is_deep(image: Image.Image) -> bool:
    """Whether the file holds 16 bits a channel; Pillow shows an RGB one as 8-bit, so the raw mode is asked too."""
    raw = " ".join(str(tile[3]) for tile in getattr(image, "tile", ()))
    return image.mode.startswith("I;16") or ";16B" in raw or ";16L" in raw


def _flatten(image: Image.Image, deep: bool, ground: str) -> tuple[Image.Image, list[str]]:
    """Return `image` as 8-bit RGB on `ground`, and what was lost on the way."""
    notes = [_("The picture's 16 bits a channel became 8.")] if deep else []
    if image.mode.startswith("I") or image.mode == "F":
        return _to_8_bits(image).convert("RGB"), notes
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        lowest, _highest = rgba.getchannel("A").getextrema()
        if lowest != 255 and ground == "white":
            notes.append(_("The picture's transparent parts became white."))
        return Image.alpha_composite(Image.new("RGBA", rgba.size, ground), rgba).convert("RGB"), notes
    if image.mode == "CMYK":
        notes.append(_("The picture's print colours (CMYK) became RGB."))
    return image.convert("RGB"), notes


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale a grey picture of 16-bit, 32-bit or float samples to 0..255; the brightest sample tells the range."""
    wide = image if image.mode == "F" else image.convert("I")
    _, high = cast("tuple[float, float]", wide.getextrema())
    if image.mode.startswith("I;16"):
        top = 65535.0
    elif image.mode == "F" and high <= 1:
        top = 1.0
    else:
        top = next((full for full in (255.0, 65535.0) if high <= full), high)
    return wide.point(lambda value: value * (255 / top)).convert("L")
