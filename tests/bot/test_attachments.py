"""Where attachments may be read from, and how much of them."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
from aiohttp import web
from PIL import Image

from bot.attachments import AttachmentReader, Limits
from bot.refusal import Refusal
from flux2.models import MEGAPIXEL
from worker.blobs import FileBlobs, open_blobs

_CAP = 100_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where pictures are kept."""
    return tmp_path / "blobs"


@pytest.fixture
async def reader(folder: Path) -> AsyncIterator[AttachmentReader]:
    """A reader that takes loopback for the CDN."""
    reader = AttachmentReader(open_blobs(folder.as_uri()), Limits(_CAP, 50_000_000, allows_loopback=True))
    yield reader
    await reader.close()


@pytest.fixture
async def cdn() -> AsyncIterator[str]:
    """A server that sends /endless, /moved and /picture."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"\0" * 10_000)
        return response

    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/picture"})

    async def picture(request: web.Request) -> web.Response:
        file = io.BytesIO()
        Image.new("RGB", (4000, 3000), "red").save(file, "PNG")
        return web.Response(body=file.getvalue())

    app = web.Application()
    app.add_routes([web.get("/endless", endless), web.get("/moved", moved), web.get("/picture", picture)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def attachment(url: str, **changes: Any) -> discord.Attachment:
    data: Any = {"id": "1", "filename": "fox.png", "size": 1000, "url": url, "proxy_url": url, **changes}
    return discord.Attachment(data=data, state=discord.Client(intents=discord.Intents.none())._connection)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/fox.png",
        "http://cdn.discordapp.com/fox.png",
        "https://cdn.discordapp.com.evil.example/fox.png",
        "https://cdn.discordapp.com@evil.example/fox.png",
        "https://cdn.discordapp.com:8443/fox.png",
        "file:///etc/passwd",
        "http://127.0.0.1:1/fox.png",
        "http://169.254.169.254/latest/meta-data",
    ],
)
async def test_nothing_is_fetched_from_anywhere_else(folder: Path, url: str) -> None:
    """Only Discord's own hosts over TLS are asked; in production loopback is not one of them."""
    reader = AttachmentReader(open_blobs(folder.as_uri()), Limits(_CAP, 1_000_000))
    with pytest.raises(Refusal, match="does not lie on Discord's servers"):
        await reader.read([attachment(url)])
    await reader.close()


async def test_a_stated_size_is_not_believed(reader: AttachmentReader, cdn: str) -> None:
    """Reading stops at the limit, however little was announced."""
    with pytest.raises(Refusal, match="larger than"):
        await reader.read([attachment(f"{cdn}/endless")])


async def test_redirects_are_not_followed(reader: AttachmentReader, cdn: str) -> None:
    """A redirect would lead past the check of the host."""
    with pytest.raises(Refusal, match="could not be downloaded"):
        await reader.read([attachment(f"{cdn}/moved")])


async def test_an_expired_url_is_a_sentence(reader: AttachmentReader, cdn: str) -> None:
    """A link that is gone asks for the file again."""
    with pytest.raises(Refusal, match="attach it again"):
        await reader.read([attachment(f"{cdn}/gone")])


async def test_a_huge_picture_is_kept_smaller(reader: AttachmentReader, cdn: str, folder: Path) -> None:
    """Of twelve megapixels no more than four are stored, in the same shape: no model looks at more than one."""
    (picture,) = (await reader.read([attachment(f"{cdn}/picture")])).pictures
    assert picture.width * picture.height <= 4 * MEGAPIXEL
    assert picture.width / picture.height == pytest.approx(4 / 3, rel=0.01)
    assert open_blobs(folder.as_uri()).exists(picture.sha256)


def test_what_the_payload_states_is_refused_without_a_download(folder: Path) -> None:
    """Size, type, pixels and shape are checked from the payload; the sentence names the file."""
    reader = AttachmentReader(open_blobs(folder.as_uri()), Limits(_CAP, 1_000_000))
    for changes in (
        {"size": _CAP + 1},
        {"content_type": "text/plain"},
        {"width": 20_000, "height": 20_000},
        {"width": 9000, "height": 10},
    ):
        with pytest.raises(Refusal, match="fox"):
            reader.check([attachment("https://cdn.discordapp.com/fox.png", **changes)])


class _Crowded(FileBlobs):
    """Counts how many pictures are worked on at the same time; what is stored was decoded just before."""

    inside = most = 0

    def put(self, data: bytes) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.2)
        self.inside -= 1
        return super().put(data)


async def test_a_rush_of_pictures_is_decoded_two_at_a_time(folder: Path, cdn: str) -> None:
    """Everybody's picture is kept, and the memory they decode to does not grow with the number of members."""
    crowded = _Crowded(folder)
    reader = AttachmentReader(crowded, Limits(_CAP, 50_000_000, allows_loopback=True))
    found = await asyncio.gather(*(reader.read([attachment(f"{cdn}/picture")]) for _ in range(6)))
    await reader.close()
    assert [len(one.pictures) for one in found] == [1] * 6
    assert crowded.most <= 2
