"""Where uploaded files lie and for how long a signed link opens them. Knows nothing of messages."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import deque
from pathlib import PurePath
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from sandbox import picture_file
from sandbox.clock import Clock
from sandbox.message import Attachment
from sandbox.snowflakes import Snowflakes

LINK_S = 24 * 3600.0
"""Seconds a signed link opens its file."""

LINGER_S = 60.0
"""Seconds a file is still served after an edit took it off its message; Discord's own caches keep it longer."""

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".svg": "image/svg+xml",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/x-wav",
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
"""The extension decides, never the bytes; an unknown one has no type."""

HARMLESS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of what members uploaded: opened in a tab of its own it runs no script, for the chat page shares its port."""


class Cdn:
    """Stored files by attachment id, and the key their links are signed with."""

    def __init__(self, clock: Clock, snowflakes: Snowflakes) -> None:
        self.base_url = ""
        """Scheme, host and port; set when a server starts."""
        self._clock = clock
        self._snowflakes = snowflakes
        self._key = secrets.token_bytes(32)
        self._files: dict[int, tuple[Attachment, bytes]] = {}
        self._retired: deque[tuple[float, int]] = deque()
        """Since when, and which; the oldest first."""
        self._avatars: dict[tuple[int, str], bytes] = {}

    def keep(
        self,
        channel_id: int,
        filename: str,
        data: bytes,
        *,
        description: str | None = None,
        ephemeral: bool = False,
        spoiler: bool = False,
    ) -> Attachment:
        """Store a file as Discord does: metadata of photographs gone, name cleaned, type from the extension."""
        data = picture_file.without_metadata(data)
        clean = clean_name(filename)
        content_type = CONTENT_TYPES.get(PurePath(clean).suffix.lower())
        size = picture_file.size_of(data) if content_type and content_type.startswith("image/") else None
        attachment = Attachment(
            id=self._snowflakes.next(),
            channel_id=channel_id,
            filename=clean,
            size=len(data),
            content_type=content_type,
            width=size[0] if size else None,
            height=size[1] if size else None,
            description=description,
            title=PurePath(filename).stem if clean != filename else None,
            ephemeral=ephemeral,
            spoiler=spoiler or clean.startswith("SPOILER_"),
        )
        self._files[attachment.id] = (attachment, data)
        attachment.url = self.sign(attachment)
        return attachment

    def keep_avatar(self, user_id: int, data: bytes) -> str:
        """Store somebody's picture and return its hash, which names it for ever."""
        name = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self._avatars[user_id, name] = data
        return name

    def avatar(self, user_id: int, name: str) -> bytes | None:
        """The picture of that hash."""
        return self._avatars.get((user_id, name))

    def read(self, attachment_id: int) -> bytes | None:
        """The stored bytes; None once they are gone."""
        stored = self._files.get(attachment_id)
        return stored[1] if stored else None

    def attachment(self, attachment_id: int) -> Attachment | None:
        """The attachment of an id."""
        stored = self._files.get(attachment_id)
        return stored[0] if stored else None

    def retire(self, attachment_id: int) -> None:
        """Forget a file that an edit took off its message, a while later: who saw the message may be loading it."""
        now = self._clock.now()
        self._retired.append((now, attachment_id))
        while self._retired[0][0] <= now - LINGER_S:
            self.drop(self._retired.popleft()[1])

    def drop(self, attachment_id: int) -> None:
        """Forget a file: its message is gone."""
        self._files.pop(attachment_id, None)

    def sign(self, attachment: Attachment, *, proxy: bool = False) -> str:
        """A link that works from now on for LINK_S seconds."""
        now = int(self._clock.now())
        path = _path(attachment)
        until = f"{now + int(LINK_S):x}"
        query = f"ex={until}&is={now:x}&hm={self._signature(path, until, f'{now:x}')}&"
        return f"{self.base_url}/{'media' if proxy else 'cdn'}/{path}?{query}"

    def refresh(self, url: str) -> str | None:
        """A fresh link for an old one; None if no file lies at its path."""
        match = re.search(r"/((?:ephemeral-)?attachments/\d+/(\d+)/[^/]+)$", urlsplit(url).path)
        attachment = self.attachment(int(match[2])) if match else None
        # The signature is of the whole path: another channel's number in it opens nothing.
        return self.sign(attachment) if attachment and match and _path(attachment) == match[1] else None

    def opens(self, path: str, query: str) -> bool:
        """True if the link's signature is ours and its time is not over."""
        given = {key: values[0] for key, values in parse_qs(query).items()}
        until, since = given.get("ex", ""), given.get("is", "")
        if not hmac.compare_digest(given.get("hm", ""), self._signature(path, until, since)):
            return False
        return self._clock.now() < int(until, 16)

    def _signature(self, path: str, until: str, since: str) -> str:
        return hmac.new(self._key, f"{path} {until} {since}".encode(), hashlib.sha256).hexdigest()


def clean_name(filename: str) -> str:
    """A file name as Discord keeps it: spaces become underscores, other unusual characters vanish."""
    clean = re.sub(r"[^\w.\-]", "", PurePath(filename).name.replace(" ", "_"), flags=re.ASCII).lstrip(".")
    return clean or "unknown"


def _path(attachment: Attachment) -> str:
    folder = "ephemeral-attachments" if attachment.ephemeral else "attachments"
    return f"{folder}/{attachment.channel_id}/{attachment.id}/{attachment.filename}"


def routes(cdn: Cdn) -> web.RouteTableDef:
    """The download routes."""
    table = web.RouteTableDef()

    @table.get("/{host:cdn|media}/{folder:attachments|ephemeral-attachments}/{channel}/{id}/{name}")
    async def download(request: web.Request) -> web.Response:
        part = request.match_info
        path = f"{part['folder']}/{part['channel']}/{part['id']}/{part['name']}"
        data = cdn.read(int(part["id"])) if part["id"].isdigit() else None
        attachment = cdn.attachment(int(part["id"])) if data is not None else None
        if data is None or attachment is None or not cdn.opens(path, request.query_string):
            return web.Response(status=404, text="This content is no longer available.")
        content_type = attachment.content_type or "application/octet-stream"
        headers = {"Content-Type": content_type, "Cache-Control": "private"}
        return web.Response(body=data, headers=headers | HARMLESS)

    @table.get("/cdn/avatars/{user:\\d+}/{name:[0-9a-f]+}.{format:png|webp|jpg}")
    async def avatar(request: web.Request) -> web.Response:
        data = cdn.avatar(int(request.match_info["user"]), request.match_info["name"])
        if data is None:
            return web.Response(status=404)
        return web.Response(body=data, headers={"Content-Type": "image/png"})

    return table
