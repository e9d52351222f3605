"""Pictures that lie on Discord's servers: what is known of one before it is downloaded, and which ones a message shows.

Declines to know whether they may be downloaded (bot/attachments.py) and who may see the message (bot/message_links.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import discord
from pydantic import BaseModel, ConfigDict

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
_HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})


class Attached(Protocol):
    """What attachments and other pictures have in common. Sizes are as stated, and not to be believed."""

    @property
    def filename(self) -> str:
        """The name its owner gave it."""

    @property
    def url(self) -> str:
        """Where it lies, perhaps with a signature that ends."""

    @property
    def size(self) -> int:
        """Bytes; 0 where that is not known."""

    @property
    def content_type(self) -> str | None:
        """The type Discord took from the name."""

    @property
    def width(self) -> int | None:
        """Pixels across, of a picture."""

    @property
    def height(self) -> int | None:
        """Pixels down, of a picture."""


class Remote(BaseModel):
    """A picture by its address."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    filename: str
    url: str
    size: int = 0
    content_type: str | None = None
    width: int | None = None
    height: int | None = None

    @classmethod
    def of(cls, attached: Attached) -> Remote:
        """The same as a value that can be kept."""
        return cls.model_validate(attached, from_attributes=True)

    @classmethod
    def at(cls, url: str) -> Remote:
        """A file of which only the address is known."""
        return cls(filename=PurePosixPath(unquote(urlsplit(url).path)).name or "picture", url=url)


def uploads_in(data: Mapping[str, Any], ids: Iterable[str]) -> list[Remote]:
    """Files uploaded with a form, by the payload of its submit, in the order of `ids`."""
    resolved = (data.get("resolved") or {}).get("attachments") or {}
    return [Remote.model_validate(resolved[one]) for one in ids if one in resolved]


def pictures_in(message: discord.Message) -> list[Remote]:
    """Every picture the message shows, in order: attachments, galleries, embeds of Discord's own files, forwards.

    Empty where there are none, and where Discord does not let us read the message.
    """
    found: dict[str, Remote] = {}
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        for picture in _pictures_of(part):
            # The same file may be attached and stand in a gallery.
            found.setdefault(urlsplit(picture.url).path, picture)
    return list(found.values())


def _pictures_of(part: discord.Message | discord.MessageSnapshot) -> Iterator[Remote]:
    for attachment in part.attachments:
        if _is_picture(attachment):
            yield Remote.of(attachment)
    for item in _media(part.components):
        picture = Remote.at(item.url).model_copy(
            update={"width": item.width, "height": item.height, "content_type": item.content_type}
        )
        if _is_picture(picture):
            yield picture
    for embed in part.embeds:
        for shown in (embed.image, embed.thumbnail):
            # Others' files reach us through their hosts only, and those are never asked.
            if shown.url and urlsplit(shown.url).hostname in _HOSTS:
                yield Remote.at(shown.url)


def _is_picture(attached: Attached) -> bool:
    if attached.content_type:
        return attached.content_type.startswith("image/")
    return PurePosixPath(attached.filename).suffix.lower() in _PICTURES


def _media(components: Iterable[Any]) -> Iterator[discord.UnfurledMediaItem]:
    """The media of galleries, thumbnails and files, through whatever holds them."""
    for component in components:
        for item in getattr(component, "items", ()):
            yield item.media
        media = getattr(component, "media", None)
        if isinstance(media, discord.UnfurledMediaItem):
            yield media
        accessory = getattr(component, "accessory", None)
        yield from _media([*getattr(component, "children", ()), *([accessory] if accessory else [])])
