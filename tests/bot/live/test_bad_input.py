"""Bad input is refused with one ephemeral sentence, nothing queued, no trace; odd but usable pictures are taken."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image
from redis import Redis

from bot.client import Flux2Bot
from bot.ledger.job import Job
from config.settings import BotSettings
from flux2.models import REGISTRY
from sandbox.member import Upload, Use
from sandbox.server import SandboxServer
from worker.contract import Heartbeat
from worker.heartbeat import Beacon

OnlyJob = Callable[[], Awaitable[Job]]


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _red(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, (200, 30, 30)).convert(mode)


def _bomb(side: int) -> bytes:
    """A PNG whose header claims side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


async def _assert_refused(server: SandboxServer, bot: Flux2Bot, use: Use, words: str) -> None:
    """One sentence for the member alone, and nothing else anywhere."""
    answer = await use.answer()
    assert answer.ephemeral
    assert words in answer.content
    assert answer.content.endswith(".")
    await asyncio.sleep(0.1)
    assert [m for m in server.world.all_messages() if m.is_by_bot] == [answer]
    assert await bot.services.ledger.open_jobs() == []
    assert server.world.threads(answer.channel_id) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": "   "}, "The prompt is empty"),
        ({"prompt": "a fox", "model": "nope"}, "The model “nope” is not running here; /imagine can draw with sample."),
        ({"prompt": "a fox", "model": "pro"}, "The model “pro” is drawn by a host's API only; /imagine can draw with"),
        ({"prompt": "a fox", "size": "9999x64"}, "out of range"),
        ({"prompt": "a fox", "size": "3"}, "not understood"),
        ({"prompt": "a fox", "size": "4"}, "at most 2 megapixels"),
        ({"prompt": "a fox", "aspect": "16:9", "size": "512x512"}, "either an aspect or a WxH size"),
        ({"prompt": "a fox", "aspect": "match"}, "needs a reference image"),
        ({"prompt": "a fox", "steps": 99}, "Steps 99 is out of range"),
        ({"prompt": "a fox", "guidance": 3.0}, "takes no guidance"),
        ({"prompt": "a fox", "count": 9}, "Count 9 is out of range"),
    ],
)
async def test_options_out_of_bounds(server: SandboxServer, bot: Flux2Bot, options: dict[str, Any], words: str) -> None:
    """A value the model does not take is answered with its limit."""
    use = await server.member("luna").slash("imagine", options)
    await _assert_refused(server, bot, use, words)


async def test_an_over_long_prompt_of_an_old_client(server: SandboxServer, bot: Flux2Bot) -> None:
    """The length is checked by the bot too: Discord checks options in its client alone."""
    command = server.world.commands.find("imagine", None)
    assert command is not None
    next(option for option in command.options if option["name"] == "prompt")["max_length"] = 9000
    use = await server.member("luna").slash("imagine", {"prompt": "x" * 6001})
    await _assert_refused(server, bot, use, "6001 characters; shorten it to at most 6000")


@pytest.mark.parametrize(
    ("upload", "words"),
    [
        (Upload("fox.png", b"this is no picture at all\n" * 20), "“fox.png”: The file is not a picture"),
        (Upload("fox.png", _encoded(_red(size=(300, 300)), "PNG")[:400]), "damaged or cut off"),
        (Upload("bomb.png", _bomb(20_000)), "larger than 2 megapixels"),
        (Upload("large.png", _encoded(_red(), "PNG") + b"\0" * 400_000), "larger than 0.286 MiB"),
        (Upload("film.mp4", b"\0\0\0\x18ftypisom" + b"\0" * 64), "is not a picture"),
        (Upload("long.png", _encoded(_red(size=(2000, 16)), "PNG")), "crop it"),
    ],
)
async def test_attachments_that_are_no_usable_picture(
    server: SandboxServer, bot: Flux2Bot, upload: Upload, words: str
) -> None:
    """What a file really is decides, not its name."""
    use = await server.member("luna").slash("imagine", {"prompt": "a fox", "image1": upload})
    await _assert_refused(server, bot, use, words)


async def test_more_references_than_the_model_takes(
    server: SandboxServer, bot: Flux2Bot, settings: BotSettings, picture: Callable[..., Upload]
) -> None:
    """The limit is the model's own, as its worker advertises it."""
    small = REGISTRY["sample"].model_copy(update={"name": "small", "max_references": 1})
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        Beacon(redis).beat(Heartbeat(name="gpu-2", role="gpu", state="idle", model=small))
    options = {"prompt": "a fox", "model": "small", "image1": picture(), "image2": picture("b.png")}
    use = await server.member("luna").slash("imagine", options)
    await _assert_refused(server, bot, use, "at most 1 reference image, and 2 were given")


async def test_no_worker_at_all(server: SandboxServer, bot: Flux2Bot, redis_server: Any) -> None:
    """With nobody to draw, nothing is accepted."""
    with Redis.from_url(redis_server.url) as redis:
        redis.flushall()
    use = await server.member("luna").slash("imagine", {"prompt": "a fox"})
    await _assert_refused(server, bot, use, "No GPU is running right now")


async def test_a_channel_the_bot_may_not_post_in(server: SandboxServer, bot: Flux2Bot) -> None:
    """The missing permission is named, before anything is drawn."""
    use = await server.member("luna").slash("imagine", {"prompt": "a fox"}, channel="quiet")
    await _assert_refused(server, bot, use, "ask an admin to give me Send Messages and Attach Files")


@pytest.mark.parametrize("known", [True, False])
async def test_a_refusal_known_from_the_payload_is_never_public(
    server: SandboxServer, bot: Flux2Bot, known: bool
) -> None:
    """What the payload alone shows is refused at once; only what has to be looked up costs a placeholder."""
    use = await server.member("luna").slash(
        "imagine", {"prompt": "a fox", "size": "3" if known else "1", "model": None if known else "x"}
    )
    await use.answer()
    calls = [call.path for call in server.calls if call.path.endswith("/messages/@original")]
    assert (calls == []) is known


_ANIMATED = _encoded(_red("P"), "GIF", save_all=True, append_images=[Image.new("P", (64, 48), 3)], duration=100)
_TURNED = Image.Exif()
_TURNED[0x0112] = 6


@pytest.mark.parametrize(
    ("upload", "note", "shape"),
    [
        (Upload("a.gif", _ANIMATED), "animated; its first frame", (64, 48)),
        (Upload("a.jpg", _encoded(_red("CMYK"), "JPEG")), "CMYK", (64, 48)),
        (Upload("a.png", _encoded(Image.new("I;16", (64, 48), 40_000), "PNG")), "16 bits", (64, 48)),
        (Upload("a.png", _encoded(Image.new("RGBA", (64, 48), (200, 30, 30, 90)), "PNG")), "transparent", (64, 48)),
        (Upload("a.jpg", _encoded(_red(), "JPEG", exif=_TURNED)), "turned upright", (48, 64)),
    ],
)
async def test_odd_pictures_are_taken_and_noted(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, upload: Upload, note: str, shape: tuple[int, int]
) -> None:
    """What had to be changed about a picture is said on the result; the reference is kept as plain RGB."""
    use = await server.member("luna").slash("imagine", {"prompt": "make it blue", "image1": upload})
    assert not (await use.answer()).ephemeral
    job = await only_job()
    assert note in " ".join(job.notes)
    (reference,) = job.request.reference_images
    assert (reference.width, reference.height) == shape
    stored = Image.open(io.BytesIO(bot.services.blobs.get(reference.sha256)))
    assert (stored.format, stored.mode, stored.size) == ("PNG", "RGB", shape)


async def test_a_snapped_size_is_noted(server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob) -> None:
    """A size that is no multiple of 16 is drawn in the nearest one, and that is said."""
    await (await server.member("luna").slash("imagine", {"prompt": "a fox", "size": "130x190"})).answer()
    job = await only_job()
    assert (job.request.width, job.request.height) == (128, 192)
    assert "130x190 became 128x192" in job.notes[0]


async def test_a_full_queue_is_said(server: SandboxServer, bot: Flux2Bot) -> None:
    """The eleventh picture of one member is refused with what to do, and leaves no trace."""
    luna = server.member("luna")
    for number in range(10):
        await (await luna.slash("imagine", {"prompt": f"fox {number}"}, channel="lounge")).answer()
    answer = await (await luna.slash("imagine", {"prompt": "one more"})).answer()
    assert answer.ephemeral
    assert "You have 10 pictures" in answer.content
    assert len(await bot.services.ledger.open_jobs()) == 10
    assert [m for m in server.world.messages(server.world.channel("pictures").id) if m.is_by_bot] == [answer]
