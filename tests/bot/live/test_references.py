"""References from everywhere: attached, linked, worn as an avatar; and never from where the member may not look."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import discord
import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job
from bot.presenter import jump_url
from sandbox.cdn import LINK_S
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Pictures = Callable[..., Upload]


def shapes(job: Job) -> list[tuple[int, int]]:
    """Sizes of a job's references, in order."""
    return [(one.width, one.height) for one in job.request.reference_images]


def link_to(message: Message) -> str:
    """What Copy Message Link gives."""
    return jump_url(message.guild_id, message.channel_id, message.id)


async def _refusal(server: SandboxServer, bot: Flux2Bot, command: str, options: dict[str, Any]) -> str:
    use = await server.member("luna").slash(command, options)
    answer = await (use.follow_up() if not use.messages else use.answer())
    assert answer.ephemeral
    assert await bot.services.ledger.open_jobs() == []
    return answer.content


@pytest.fixture
async def posted(server: SandboxServer, bot: Flux2Bot, picture: Pictures) -> Message:
    """A message of max that the bot may read, since it mentions the bot, with two pictures."""
    mention = server.world.bot.mention
    files = [picture("a.png", 40, 64), picture("b.png", 48, 64)]
    return await server.member("max").say(f"look, {mention}", files=files, channel="lounge")


async def test_edit_takes_the_picture_and_its_shape(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: Pictures
) -> None:
    """/edit is a job with the picture first, in its shape, and the result says so."""
    options = {"image": picture("fox.png", 128, 64), "image2": picture("hat.png"), "prompt": "the hat of image 2"}
    await (await server.member("luna").slash("edit", options)).answer()
    job = await only_job()
    assert (job.source, shapes(job)) == ("edit", [(128, 64), (64, 64)])
    assert job.request.width / job.request.height == pytest.approx(2, rel=0.2)
    assert "Image 1 decides the shape." in job.notes


async def test_every_source_in_its_order(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: Pictures, posted: Message
) -> None:
    """Attached, linked by option, avatar; a link in the prompt becomes its pictures' number; all of it is said."""
    ada = server.member("ada")
    ada.wear(picture("x.png", 32, 32).data)
    mine = await server.member("luna").say(f"{server.world.bot.mention} mine", files=[picture("c.png", 96, 64)])
    await (
        await server.member("luna").slash(
            "imagine",
            {
                "prompt": f"image 1 beside {link_to(mine)}",
                "image1": picture("fox.png", 80, 64),
                "avatar": ada,
                "aspect": "1:1",
            },
        )
    ).answer()
    job = await only_job()
    assert job.request.prompt == "image 1 beside image 3"
    assert shapes(job) == [(80, 64), (32, 32), (96, 64)]
    assert job.notes == ("Image 2 is the avatar of Ada.", "Image 3 is from the linked message.")


async def test_a_link_brings_every_picture_of_its_message(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, posted: Message
) -> None:
    """Two pictures are two references; the first decides the shape."""
    await (await server.member("luna").slash("imagine", {"prompt": "a mix", "link": link_to(posted)})).answer()
    job = await only_job()
    assert shapes(job) == [(40, 64), (48, 64)]
    assert job.notes == ("Images 1 and 2 are from the linked message.", "Image 1 decides the shape.")


async def test_nobody_gets_a_picture_from_a_channel_they_cannot_see(
    server: SandboxServer, bot: Flux2Bot, posted: Message
) -> None:
    """The bot sees the channel, the member does not: neither by message nor by file nor by its number is it opened."""
    world = server.world
    world.overwrite(world.channel("lounge"), world.user("luna"), deny=Permission.VIEW_CHANNEL)
    await bot.wait_for("guild_channel_update", timeout=60)
    file = posted.attachments[0]
    for link in (link_to(posted), file.url, file.url.partition("?")[0]):
        said = await _refusal(server, bot, "imagine", {"prompt": "a mix", "link": link})
        assert said == "You cannot see the channel that link leads to; save the picture and attach it instead."
    other = world.channel("pictures").id
    forged = file.url.partition("?")[0].replace(f"/{file.channel_id}/", f"/{other}/")
    said = await _refusal(server, bot, "imagine", {"prompt": "a mix", "link": forged})
    assert "could not be downloaded" in said


async def test_a_private_thread_is_for_those_in_it(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: Pictures
) -> None:
    """A private thread's pictures are opened for its members alone."""
    channel = bot.get_channel(server.world.channel("lounge").id)
    server.world.overwrite(server.world.channel("lounge"), server.world.bot, allow=Permission.CREATE_PRIVATE_THREADS)
    thread = await channel.create_thread(name="secret")  # type: ignore[union-attr]
    message = await thread.send(file=discord.File(io.BytesIO(picture("a.png", 40, 64).data), "a.png"))
    link = {"prompt": "a mix", "link": message.jump_url}
    assert "cannot see" in await _refusal(server, bot, "imagine", link)
    await thread.add_user(await bot.fetch_user(server.member("luna").id))
    await (await server.member("luna").slash("imagine", link)).answer()
    assert shapes(await only_job()) == [(40, 64)]


async def test_a_link_that_has_ended_is_refreshed(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, posted: Message, gpu: Gpu
) -> None:
    """A file's link copied days ago still works for who may see its channel."""
    url = posted.attachments[0].url
    server.world.clock.advance(LINK_S + 60)
    gpu.beat()
    await (await server.member("luna").slash("imagine", {"prompt": f"like {url} at night"})).answer()
    job = await only_job()
    assert (job.request.prompt, shapes(job)) == ("like image 1 at night", [(40, 64)])


async def test_what_cannot_be_opened_is_a_sentence(
    server: SandboxServer, bot: Flux2Bot, posted: Message, picture: Pictures
) -> None:
    """No link, a message the bot may not read, a member without avatar, an empty tray, an image that is not there."""
    luna = server.member("luna")
    unread = await luna.say("no mention", files=[picture()])
    for options, words in [
        ({"link": "https://example.com/fox.png"}, "That is no link to a message"),
        ({"link": link_to(unread)}, "choose Apps, then Add to references"),
        ({"link": jump_url(posted.guild_id, posted.channel_id, 10**17)}, "is gone"),
        ({"avatar": server.member("max")}, "Max has no avatar of their own"),
        ({"tray": True}, "Your reference tray is empty"),
        ({"image1": picture(), "prompt": "image 3 in blue"}, "there is only image 1"),
        ({"link": link_to(posted), "prompt": "image 3 in blue"}, "there are only images 1 to 2"),
    ]:
        assert words in await _refusal(server, bot, "imagine", {"prompt": "a mix", **options})


async def test_more_pictures_than_the_model_takes_are_refused_with_its_limit(
    server: SandboxServer, bot: Flux2Bot, posted: Message, picture: Pictures
) -> None:
    """Three attached and two linked are five; the sample takes four."""
    images = {f"image{n}": picture() for n in (1, 2, 3)}
    said = await _refusal(server, bot, "imagine", {"prompt": "a mix", "link": link_to(posted), **images})
    assert said == "sample takes at most 4 reference images, and 5 were given; remove some."
