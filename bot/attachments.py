"""Reads what members attach: only from Discord's own CDN, never more bytes than allowed, re-encoded off the loop.

What comes out is a reference by content hash; a stranger's file itself is never stored. A link whose signature has
ended is exchanged for a fresh one once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import aiohttp
import discord
from PIL import Image
from yarl import URL

from bot.language import _
from bot.presenter import shorten
from bot.refusal import Refusal
from bot.remote import Attached
from flux2 import images, masking
from flux2.errors import InvalidRequest
from flux2.models import MEGAPIXEL
from flux2.request import GenerationRequest, ReferenceImage
from worker.blobs import Blobs

_CDN = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
KEPT_PIXELS = 4 * MEGAPIXEL
"""Pixels of a reference that are stored; the models look at one megapixel of it at most."""
_DOWNLOAD_S = 30
_CHUNK = 64 * 1024
_DECODED_AT_ONCE = 2
"""A small file may hold the most pixels allowed, which decode to some hundred megabytes; threads are shared as well."""
_ENDED = frozenset({403, 404})
"""What the CDN answers where a link's signature has ended, and where the file is gone."""

Refresh = Callable[[str], Awaitable[str | None]]
"""Exchanges a link for a fresh one; None where there is none."""


@dataclass(frozen=True)
class Limits:
    """What may be attached: bytes and pixels of one file, and whether loopback URLs are the CDN's."""

    max_bytes: int
    max_pixels: int
    allows_loopback: bool = False


@dataclass(frozen=True)
class References:
    """Pictures in the blobs, in the order they were attached, and what had to be changed about them."""

    pictures: tuple[ReferenceImage, ...] = ()
    notes: tuple[str, ...] = ()


class AttachmentReader:
    """Turns attachments into references. Close it when done."""

    def __init__(self, blobs: Blobs, limits: Limits, refresh: Refresh | None = None) -> None:
        self._blobs = blobs
        self._limits = limits
        self._refresh = refresh
        self._session: aiohttp.ClientSession | None = None
        self.decoding = asyncio.Semaphore(_DECODED_AT_ONCE)
        """Held by whoever opens a picture in this process: a large one takes hundreds of megabytes."""

    def check(self, attachments: Sequence[Attached]) -> None:
        """Refuse what the payload alone gives away: bytes, type and pixels as Discord states them."""
        for attachment in attachments:
            self._check_one(attachment)

    def _check_one(self, attachment: Attached) -> None:
        name = _name(attachment)
        if attachment.size > self._limits.max_bytes:
            raise self._too_heavy(name, self._limits.max_bytes)
        if attachment.content_type and not attachment.content_type.startswith(("image/", "application/octet-stream")):
            raise Refusal(_("{name} is not a picture; attach a PNG, JPEG, WebP or GIF.").format(name=name))
        if (attachment.width or 0) * (attachment.height or 0) > self._limits.max_pixels:
            limit = f"{self._limits.max_pixels / 1e6:g}"
            raise Refusal(
                _("{name} is larger than {limit} megapixels; scale it down and attach it again.").format(
                    name=name, limit=limit
                )
            )
        if attachment.width and attachment.height:
            with _named(attachment):
                images.check_shape((attachment.width, attachment.height))

    def _too_heavy(self, name: str, max_bytes: int) -> Refusal:
        limit = f"{max_bytes / (1024 * 1024):.3g}"
        return Refusal(
            _("{name} is larger than {limit} MiB; save it smaller and attach it again.").format(name=name, limit=limit)
        )

    async def read(self, attachments: Sequence[Attached], *, max_pixels: int = KEPT_PIXELS) -> References:
        """Download, decode and keep every attachment, reduced to `max_pixels`.

        Raises Refusal with one sentence for the first bad one.
        """
        self.check(attachments)
        pictures: list[ReferenceImage] = []
        notes: list[str] = []
        for number, attachment in enumerate(attachments, start=1):
            data = await self.fetch(attachment, max_bytes=self._limits.max_bytes)
            with _named(attachment):
                async with self.decoding:
                    picture, said = await asyncio.to_thread(self._keep, data, max_pixels)
            pictures.append(picture)
            if len(attachments) > 1:
                said = tuple(_("Image {number}: {note}").format(number=number, note=note) for note in said)
            notes += said
        return References(tuple(pictures), tuple(notes))

    def _keep(self, data: bytes, max_pixels: int) -> tuple[ReferenceImage, tuple[str, ...]]:
        reference = images.open_reference(data, max_pixels=self._limits.max_pixels)
        return self._put(reference.image, max_pixels), reference.notes

    def _put(self, image: Image.Image, max_pixels: int) -> ReferenceImage:
        if image.width * image.height > max_pixels:
            scale = (max_pixels / (image.width * image.height)) ** 0.5
            side = max(1, int(image.width * scale)), max(1, int(image.height * scale))
            image = image.resize(side, Image.Resampling.LANCZOS)
        sha256 = self._blobs.put(images.encode(image, "png", 100))
        return ReferenceImage(sha256=sha256, width=image.width, height=image.height)

    async def read_mask(self, attachment: Attached) -> ReferenceImage:
        """Download, decode and keep a mask, or a copy that was painted over. Raises Refusal where it marks nothing."""
        self._check_one(attachment)
        data = await self.fetch(attachment, max_bytes=self._limits.max_bytes)
        with _named(attachment):
            async with self.decoding:
                return await asyncio.to_thread(self._keep_mask, data)

    def _keep_mask(self, data: bytes) -> ReferenceImage:
        return self._put(masking.open_mask(data, max_pixels=self._limits.max_pixels), KEPT_PIXELS)

    async def require_marked(self, request: GenerationRequest) -> None:
        """Refuse a mask that marks nothing on its picture, which both are in the blobs. Raises InvalidRequest."""
        if request.mask_image is not None:
            async with self.decoding:
                await asyncio.to_thread(self._mark, request.reference_images[0], request.mask_image)

    def _mark(self, picture: ReferenceImage, mask: ReferenceImage) -> None:
        data, painted = self._blobs.get(picture.sha256), self._blobs.get(mask.sha256)
        # No larger than what was let in, or what the worker itself drew.
        image = images.open_reference(data, max_pixels=picture.width * picture.height).image
        masking.mask_of(image, (), masking.open_mask(painted, max_pixels=mask.width * mask.height))

    async def fetch(self, attachment: Attached, *, max_bytes: int) -> bytes:
        """Download one attachment, whatever it is, up to `max_bytes`. Raises Refusal."""
        name = _name(attachment)
        data = await self._download(attachment.url, name, max_bytes)
        if data is None and self._refresh is not None and (fresh := await self._refresh(attachment.url)):
            data = await self._download(fresh, name, max_bytes)
        if data is None:
            raise _not_there(name)
        return data

    async def _download(self, text: str, name: str, max_bytes: int) -> bytes | None:
        """Return the bytes, or None where the link opens nothing any more."""
        url = self._trusted(text, name)
        data = bytearray()
        try:
            # No redirects: they would lead past the check of the host.
            async with self._client().get(url, allow_redirects=False) as response:
                if response.status in _ENDED:
                    return None
                if response.status != 200:
                    raise _not_there(name)
                async for chunk in response.content.iter_chunked(_CHUNK):
                    data += chunk
                    if len(data) > max_bytes:
                        raise self._too_heavy(name, max_bytes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _not_there(name) from error
        return bytes(data)

    def _trusted(self, text: str, name: str) -> URL:
        url = URL(text)
        is_cdn = url.scheme == "https" and url.host in _CDN and url.explicit_port is None
        is_loopback = self._limits.allows_loopback and url.scheme == "http" and url.host in _LOOPBACK
        if not (is_cdn or is_loopback):
            raise Refusal(_("{name} does not lie on Discord's servers; attach the file itself.").format(name=name))
        return url

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_DOWNLOAD_S))
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def _not_there(name: str) -> Refusal:
    return Refusal(_("{name} could not be downloaded from Discord; attach it again.").format(name=name))


@contextlib.contextmanager
def _named(attachment: Attached) -> Iterator[None]:
    """Say of which file a refusal speaks."""
    try:
        yield
    except InvalidRequest as error:
        raise Refusal(f"{_name(attachment)}: {error}") from error


def _name(attachment: Attached) -> str:
    return f"“{shorten(discord.utils.escape_markdown(attachment.filename), 80)}”"
