"""The reference tray: filled by command and menu, arranged with its menus, drawn with."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.member import Member, Upload
from sandbox.message import Message
from sandbox.server import SandboxServer
from tests.bot.live.test_references import link_to, shapes

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Pictures = Callable[..., Upload]
"""Pictures of one colour need different sizes: the same picture lies in a tray once."""


@pytest.fixture
def luna(server: SandboxServer, bot: Flux2Bot) -> Member:
    """A member, once the bot runs."""
    return server.member("luna")


async def _tray(luna: Member, **options: Any) -> Message:
    answer = await (await luna.slash("tray", options)).answer()
    assert answer.ephemeral
    return answer


async def _sheet(server: SandboxServer, message: Message) -> Image.Image:
    (file,) = message.attachments
    assert file.filename == "tray.webp"
    return Image.open(io.BytesIO(await server.read(file)))


async def test_other_peoples_pictures_are_added_from_the_menu(
    server: SandboxServer, luna: Member, picture: Pictures, bot: Flux2Bot
) -> None:
    """A message the bot may not read is shown by its menu; the answer is a numbered sheet for the member alone."""
    message = await server.member("max").say("my holidays", files=[picture("a.png", 40, 64), picture("b.png", 64, 40)])
    answer = await (await luna.menu(message, "Add to references")).answer()
    assert answer.ephemeral
    assert "1 a.png · 2 b.png" in answer.content
    assert answer.attachments[0].description == "Contact sheet: 1 a.png, 2 b.png"
    sheet = await _sheet(server, answer)
    assert sheet.width > sheet.height > 40
    assert await bot.services.ledger.trays.of(server.member("max").id) == ()


async def test_the_tray_is_arranged_with_its_menus(luna: Member, picture: Pictures) -> None:
    """“Make it image 1” moves, “Take out” removes, “Clear” empties; the sheet in the message follows."""
    shown = await _tray(luna, image1=picture("a.png", 32), image2=picture("b.png", 48), image3=picture("c.png", 80))
    await (await luna.select(shown, "Make it image 1…", "2 · b.png")).answer()
    assert "1 b.png · 2 a.png · 3 c.png" in shown.content
    await (await luna.select(shown, "Take out…", "1 · b.png", "3 · c.png")).answer()
    assert "tray: 1 a.png" in shown.content
    await (await luna.press(shown, "Clear")).answer()
    assert "is empty" in shown.content
    assert not shown.attachments
    assert not shown.components


async def test_the_tray_is_put_in_order_by_numbers(luna: Member, picture: Pictures) -> None:
    """Numbers typed decide the order; a number that is none is a sentence."""
    await _tray(luna, image1=picture("a.png", 32), image2=picture("b.png", 48), image3=picture("c.png", 80))
    assert "1 c.png · 2 a.png · 3 b.png" in (await _tray(luna, order="3 1")).content
    for wrong in ("4", "1 1", "x"):
        refused = await (await luna.slash("tray", {"order": wrong})).follow_up()
        assert "number once, 1 to 3" in refused.content


async def test_the_tray_follows_what_is_attached(
    luna: Member, picture: Pictures, only_job: OnlyJob, server: SandboxServer
) -> None:
    """/imagine with tray:True puts the tray's pictures behind the attached one and says so."""
    await _tray(luna, image1=picture("a.png", 32), avatar=_wearing(server, picture))
    options = {"prompt": "image 1 with image 3", "image1": picture("fox.png", 80), "tray": True}
    await (await luna.slash("imagine", options)).answer()
    job = await only_job()
    assert shapes(job) == [(80, 64), (32, 64), (48, 48)]
    assert "Images 2 and 3 are from the tray." in job.notes


def _wearing(server: SandboxServer, picture: Pictures) -> Member:
    ada = server.member("ada")
    ada.wear(picture("x.png", 48, 48).data)
    return ada


async def test_a_tray_has_an_end(luna: Member, picture: Pictures, server: SandboxServer) -> None:
    """Ten pictures fill it; an eleventh is refused and says how many fit."""
    files = [picture(f"{n}.png", 32 + n) for n in range(9)]
    message = await luna.say(server.world.bot.mention, files=files)
    await _tray(luna, link=link_to(message))
    refused = await (
        await luna.slash("tray", {"image1": picture("x.png", 90), "image2": picture("y.png", 91)})
    ).follow_up()
    assert "holds 10 pictures and only 1 more fit" in refused.content


async def test_draw_opens_the_studio_with_the_tray(
    luna: Member, picture: Pictures, only_job: OnlyJob, server: SandboxServer
) -> None:
    """The button under the tray opens the form; uploads come first, the tray follows, everybody sees the picture."""
    shown = await _tray(luna, image1=picture("a.png", 32))
    modal = (await luna.press(shown, "Draw…")).modal
    use = await luna.submit(
        modal, {"Prompt": "image 2 on image 1", "Pictures": [picture("fox.png", 80)], "Size": "Square 1:1"}
    )
    status = await use.answer()
    assert not status.ephemeral
    job = await only_job()
    assert (job.source, shapes(job)) == ("studio", [(80, 64), (32, 64)])
    assert job.request.width == job.request.height


async def test_the_studio_without_a_tray(luna: Member, picture: Pictures, only_job: OnlyJob) -> None:
    """Only what is there is asked; more pictures than the model takes are refused with its limit."""
    modal = (await luna.slash("studio")).modal
    assert [shown.label for shown in modal.fields] == ["Prompt", "Pictures", "Size", "Model"]
    many = [picture(f"{n}.png", 32 + n) for n in range(5)]
    refused = await (await luna.submit(modal, {"Prompt": "a mix", "Pictures": many})).answer()
    assert refused.content == "sample takes at most 4 reference images, and 5 were given; remove some."
    await (await luna.submit(modal, {"Prompt": "a mix", "Pictures": many[:2], "Size": "0.5"})).answer()
    job = await only_job()
    assert len(shapes(job)) == 2
    assert 400_000 < job.request.width * job.request.height <= 512 * 1024


async def test_any_message_is_edited_from_its_menu(
    server: SandboxServer, luna: Member, picture: Pictures, only_job: OnlyJob
) -> None:
    """Somebody's message with two pictures: the form asks which, takes a further one, and draws in the same channel."""
    message = await server.member("max").say("", files=[picture("a.png", 32), picture("b.png", 96)])
    modal = (await luna.menu(message, "Edit")).modal
    use = await luna.submit(
        modal,
        {
            "What should change": "the hat of image 2",
            "Which picture": "2 · b.png",
            "Further pictures": [picture("hat.png", 48)],
        },
    )
    assert not (await use.answer()).ephemeral
    job = await only_job()
    assert (job.source, job.parent_id, shapes(job)) == ("edit", None, [(96, 64), (48, 64)])


async def test_what_is_no_picture_has_no_edit(server: SandboxServer, luna: Member, bot: Flux2Bot) -> None:
    """Menus answer in a sentence where a message shows no picture, and a form of another member's is too old."""
    message = await luna.say("hello", files=[Upload("notes.txt", b"hello")])
    for menu in ("Edit", "Add to references"):
        refused = await (await luna.menu(message, menu)).answer()
        assert refused.ephemeral
        assert "There is no picture in that message" in refused.content


async def test_a_form_outlives_the_process(
    server: SandboxServer, luna: Member, picture: Pictures, bot: Flux2Bot, only_job: OnlyJob
) -> None:
    """What the form was opened for is in the ledger, not in the library's memory."""
    message = await server.member("max").say("", files=[picture("a.png", 32)])
    modal = (await luna.menu(message, "Edit")).modal
    bot._connection._view_store._modals.clear()
    await (await luna.submit(modal, {"What should change": "make it night"})).answer()
    assert shapes(await only_job()) == [(32, 64)]
