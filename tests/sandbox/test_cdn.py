"""Stored files: signed links, metadata, sizes and names."""

from __future__ import annotations

import io
import struct

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sandbox import picture_file
from sandbox.cdn import clean_name
from sandbox.member import Upload


def encoded(image_format: str, size: tuple[int, int] = (7, 5), **options: object) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, image_format, **options)
    return buffer.getvalue()


async def fetch(url: str) -> tuple[int, bytes, str]:
    """Status, body and content type of a download."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.read(), response.headers["Content-Type"]


async def test_a_link_works_until_it_expires(world, luna) -> None:
    """A day later the link is dead; the file is not, and a refreshed link opens it."""
    said = await luna.say("", files=[Upload("a.png", b"data")])
    url = said.attachments[0].url
    assert await fetch(url) == (200, b"data", "image/png")
    world.clock.advance(24 * 3600 + 1)
    assert (await fetch(url))[0] == 404
    fresh = world.cdn.refresh(url)
    assert (await fetch(fresh))[0] == 200


async def test_a_forged_link_is_refused(luna) -> None:
    """Neither a longer life nor another file can be had by editing the link."""
    said = await luna.say("", files=[Upload("a.png", b"data")])
    url = said.attachments[0].url
    later = url.replace("ex=", "ex=f")
    for forged in (later, url.split("?")[0], url.replace("a.png", "b.png")):
        assert (await fetch(forged))[0] == 404


async def test_the_api_shows_fresh_links_and_refreshes_old_ones(pictures, bot, world) -> None:
    """A message fetched later carries links that work; refresh-urls gives them without the message."""
    sent = await pictures.send(file=discord.File(io.BytesIO(b"data"), "a.png"))
    old = sent.attachments[0].url
    world.clock.advance(25 * 3600)
    fetched = await pictures.fetch_message(sent.id)
    assert await fetched.attachments[0].read() == b"data"
    route = discord.http.Route("POST", "/attachments/refresh-urls")
    answer = await bot.http.request(route, json={"attachment_urls": [old, "http://127.0.0.1/x"]})
    assert (await fetch(answer["refreshed_urls"][0]["refreshed"]))[0] == 200
    assert answer["refreshed_urls"][1]["refreshed"] is None


async def test_deleting_a_message_deletes_its_files(world, luna) -> None:
    """The link dies with the message."""
    said = await luna.say("", files=[Upload("a.png", b"data")])
    url = said.attachments[0].url
    await luna.delete(said)
    assert (await fetch(url))[0] == 404


def exif(turn: int) -> Image.Exif:
    """Metadata with a camera, a place and a turn."""
    data = Image.Exif()
    data[0x010F] = "SecretCamera"
    data[0x0112] = turn
    return data


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
def test_photographs_lose_their_metadata_and_no_pixel(image_format: str) -> None:
    """Camera and comments are gone, the picture decodes to the same pixels."""
    original = encoded(image_format, exif=exif(1), quality=90)
    stripped = picture_file.without_metadata(original)
    assert b"SecretCamera" in original
    assert b"SecretCamera" not in stripped
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(stripped)) as after:
        assert before.tobytes() == after.tobytes()
        assert not after.getexif()


def test_the_turn_of_a_photograph_is_kept() -> None:
    """Without it every phone picture would lie on its side."""
    stripped = picture_file.without_metadata(encoded("JPEG", exif=exif(6)))
    with Image.open(io.BytesIO(stripped)) as picture:
        assert dict(picture.getexif()) == {0x0112: 6}


def test_png_keeps_its_texts() -> None:
    """PNG metadata survives, which is where a recipe can live."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("recipe", "seed 7")
    original = encoded("PNG", pnginfo=info)
    assert picture_file.without_metadata(original) == original


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_sizes_are_read_from_the_header(image_format: str, options: dict[str, object]) -> None:
    """Width and height of every kind Discord shows."""
    assert picture_file.size_of(encoded(image_format, (321, 123), **options)) == (321, 123)


def test_a_bomb_has_its_size_and_a_lie_has_none() -> None:
    """Sizes are read without decoding: 20 000 x 20 000 is said, a text named .png has no size."""
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 20_000, 20_000)
    assert picture_file.size_of(header) == (20_000, 20_000)
    assert picture_file.size_of(b"hello") is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF1234WEBP", b"GIF89a"]))
def test_broken_files_are_kept_as_they_came(data: bytes, magic: bytes) -> None:
    """Whatever is uploaded, neither reading a size nor stripping raises."""
    picture_file.size_of(magic + data)
    assert isinstance(picture_file.without_metadata(magic + data), bytes)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [("my fox.png", "my_fox.png"), ("../../etc/passwd", "passwd"), ("bild ü.png", "bild_.png"), ("…", "unknown")],
)
def test_names_are_cleaned(given_name: str, kept: str) -> None:
    """Spaces become underscores, folders and unusual characters vanish."""
    assert clean_name(given_name) == kept


async def test_the_extension_decides_the_type(luna) -> None:
    """Bytes do not: a text named .png is an image to Discord, without a size."""
    said = await luna.say("", files=[Upload("a.png", b"hello"), Upload("b.xyz", encoded("PNG"))])
    lie, unknown = said.attachments
    assert (lie.content_type, lie.width) == ("image/png", None)
    assert (unknown.content_type, unknown.width) == (None, None)
