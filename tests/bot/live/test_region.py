"""A part of a picture: said in the form under it, in the menu's, and as options of /edit."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.commands.imagine import _reduced
from bot.gathering import Pointed
from bot.interactions.where import regions_like
from bot.ledger.job import Job
from bot.remote import Remote
from flux2.models import REGISTRY
from flux2.request import GenerationRequest, ReferenceImage, settle
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Finish = Callable[[Job], Awaitable[Message]]
Pictures = Callable[..., Upload]
EDIT = "Only change this (edits the picture)"
MASK = "Or a mask painted over the picture"


def mask(width: int = 64, height: int = 64, name: str = "mask.png", white: int = 255) -> Upload:
    """A mask, white in its lower right quarter."""
    image = Image.new("L", (width, height))
    image.paste(white, (width // 2, height // 2, width, height))
    file = io.BytesIO()
    image.save(file, "PNG")
    return Upload(name, file.getvalue())


@pytest.fixture
def finish(server: SandboxServer, gpu: Gpu, closed: Closed) -> Callable[[Job], Awaitable[Message]]:
    """Draws a job and returns the message with its pictures."""

    async def draw(job: Job) -> Message:
        await gpu.draw(job)
        message = server.world.message((await closed(job.id)).result_message_id or 0)
        assert message is not None
        return message

    return draw


async def shown(server: SandboxServer, pressed: Message) -> None:
    """Wait until the job that came of a press shows itself."""
    await server.world.wait_for(lambda m: m.reference_id == pressed.id and "Cancel" in m.labels())


async def test_the_form_says_where(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, finish: Finish
) -> None:
    """Cells and a painted mask go along with what should change; the result keeps the size and is lossless."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "size": "256x128", "format": "webp"})).answer()
    message = await finish(await only_job())
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {EDIT: "add a hat", "Only there": ["B1", "A1"], MASK: [mask(128, 64)]})
    await shown(server, message)
    job = await only_job()
    request = job.request
    assert isinstance(request, GenerationRequest)
    assert (request.prompt, request.region, request.output_format) == ("add a hat", ("A1", "B1"), "png")
    assert request.mask_image is not None
    assert (request.mask_image.width, request.mask_image.height) == (128, 64)
    assert "Only A1-B1 and the mask was drawn anew." in job.notes
    held = Image.open(io.BytesIO(gpu.blobs.get(request.mask_image.sha256)))
    assert (held.mode, held.getbbox()) == ("L", (64, 32, 128, 64))
    posted = await finish(job)
    await luna.press(await (await luna.press(posted, "Vary")).answer(), "Subtle")
    await shown(server, posted)
    varied = await only_job()
    assert isinstance(varied.request, GenerationRequest)
    assert (varied.request.is_masked, varied.request.reference_images) == (False, request.reference_images)
    await finish(varied)
    await luna.press(posted, "Again")
    await shown(server, posted)
    again = await only_job()
    assert again.request == request.model_copy(update={"seed": again.request.seed})
    panel = await (await luna.press(posted, "More…")).answer()
    assert "/edit prompt:add a hat region:A1-B1 model:sample" in panel.content
    await finish(again)
    await luna.submit((await luna.press(panel, "Remix")).modal, {"Prompt": "add a scarf"})
    await server.world.wait_for(lambda m: "add a scarf" in m.content and "Cancel" in m.labels())
    assert (await only_job()).request == request.model_copy(update={"prompt": "add a scarf"})


async def test_a_place_without_a_change_takes_the_prompts_words(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, finish: Finish
) -> None:
    """Who changes the prompt and chooses a cell means that cell of this picture."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    message = await finish(await only_job())
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {"Prompt": "a red fox under a moon", "Only there": ["C1"]})
    await shown(server, message)
    request = (await only_job()).request
    assert isinstance(request, GenerationRequest)
    assert (request.prompt, request.region, len(request.reference_images)) == ("a red fox under a moon", ("C1",), 1)


async def test_a_part_is_chosen_by_eye(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, finish: Finish
) -> None:
    """Behind More…: the picture that is meant under its grid, cells, then a form; the grid is no part of it."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "count": 2})).answer()
    job = await only_job()
    message = await finish(job)
    before = await bot.services.ledger.get(job.id)
    assert before is not None
    panel = await (await luna.press(message, "More…")).answer()
    grid = await (await luna.press(panel, "Edit a part")).follow_up()
    assert (grid.ephemeral, [file.filename for file in grid.files]) == (True, ["grid.webp"])
    second = await (await luna.select(grid, "Which picture…", "Image 2")).answer()
    modal = (await luna.select(second, "Which cells…", "B2 · middle", "C2 · right")).modal
    gpu.blobs.delete(before.pictures[1].sha256)  # so that it has to be read from the message that shows it
    await luna.submit(modal, {"What should change there": "add a hat"})
    await shown(server, message)
    request = (await only_job()).request
    assert isinstance(request, GenerationRequest)
    assert (request.prompt, request.region) == ("add a hat", ("B2", "C2"))
    assert [(one.width, one.height) for one in request.reference_images] == [(128, 128)]


async def test_the_menus_form_says_where(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: Pictures
) -> None:
    """The form of Edit in any message's menu asks the same."""
    luna = server.member("luna")
    message = await server.member("max").say("look", files=[picture("a.png", 90, 60)])
    modal = (await luna.menu(message, "Edit")).modal
    await (
        await luna.submit(modal, {"What should change": "a hat", "Only there": ["B2"], MASK: [mask(90, 60)]})
    ).answer()
    request = (await only_job()).request
    assert isinstance(request, GenerationRequest)
    assert (request.region, request.mask_image is not None) == (("B2",), True)


async def test_edit_takes_region_and_mask(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: Pictures
) -> None:
    """As options; a preferred size and shape do not bend the picture."""
    luna = server.member("luna")
    await (await luna.slash("settings", {"size": "0.5", "aspect": "16:9"})).answer()
    options = {"image": picture(), "prompt": "a hat", "region": "b1:c2", "mask": mask()}
    await (await luna.slash("edit", options)).answer()
    job = await only_job()
    request = job.request
    assert isinstance(request, GenerationRequest)
    assert (request.region, request.width, request.height) == (("B1", "C1", "B2", "C2"), 64, 64)
    assert job.notes == ("Only B1-C2 and the mask was drawn anew.",)
    assert [one["value"] for one in await luna.autocomplete("edit", "region", "a2,b")][:2] == ["a2,B1", "a2,B2"]


async def test_what_cannot_be_masked_is_one_sentence(server: SandboxServer, bot: Flux2Bot, picture: Pictures) -> None:
    """Ephemeral, and nothing is accepted: bad cells, a size beside a region, a mask of another shape or all black."""
    for given, sentence in (
        ({"region": "D4"}, "There is no cell “D4”; cells are A1 (top left) to C3 (bottom right)"),
        ({"region": "A1", "size": "0.5"}, "leave size and aspect out, or region and mask"),
        ({"mask": mask(64, 32)}, "The mask is 64x32 and the picture 64x64; paint the mask over the picture itself"),
        ({"mask": mask(name="black.png", white=0)}, "“black.png”: The mask has nothing white in it"),
        ({"mask": picture()}, "Nothing is painted over the copy of the picture; circle what should change"),
    ):
        use = await server.member("luna").slash("edit", {"image": picture(), "prompt": "a hat", **given})
        answer = await (use.follow_up() if not use.messages else use.answer())
        assert answer.ephemeral
        assert sentence in answer.content
    assert await bot.services.ledger.open_jobs() == []


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("", "A1"),
        ("right", "C1"),
        ("b1-b", "B1-B3"),
        ("a1,b1", "A1-B1"),
        ("A1,", "A1"),
        ("A1,lef", "A1,A1"),
        ("sky", None),
    ],
)
def test_regions_are_suggested_as_they_are_typed(typed: str, first: str | None) -> None:
    """By cell, by place, behind what stands before the last comma; what is a region already comes first."""
    assert next((one.value for one in regions_like(typed)), None) == first
    assert len(regions_like(typed)) <= 25


def test_a_picture_that_is_not_kept_whole_is_said() -> None:
    """Where it came larger than what is kept, its size now is told; of a picture that changes as a whole it is not."""
    kept = ReferenceImage(sha256="a" * 64, width=2000, height=1000)
    given = Pointed([Remote(filename="a.png", url="https://x", width=3000, height=1500)])
    masked, _ = settle(REGISTRY["klein-4b"], "a hat", reference_images=(kept,), region=("A1",))
    whole, _ = settle(REGISTRY["klein-4b"], "a hat", reference_images=(kept,))
    assert _reduced(masked, given) == ("The picture was reduced to 2000×1000 first; larger ones are not kept.",)
    assert (
        _reduced(masked, Pointed([Remote(filename="a.png", url="https://x", width=2000, height=1000)]))
        == _reduced(whole, given)
        == ()
    )
