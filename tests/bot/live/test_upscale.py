"""Upscale by command, button and message menu, as members use it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.ledger.job import Job
from flux2 import images
from flux2.upscaling.request import UpscaleRequest
from sandbox.member import ClientRefused, Upload
from sandbox.server import SandboxServer
from worker.contract import Picture, RenderResult

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
MakePicture = Callable[..., Upload]


def upscale_of(job: Job) -> UpscaleRequest:
    assert isinstance(job.request, UpscaleRequest)
    return job.request


async def test_the_command_enlarges_what_is_attached(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed, picture: MakePicture
) -> None:
    """Its thread and status say so while it runs, and the result names factor, size and caption."""
    luna = server.member("luna")
    options = {"image": picture("fox.png", 100, 60), "factor": 2.5, "creativity": 0.2, "steps": 8, "prompt": "a fox"}
    status = await (await luna.slash("upscale", options)).answer()
    job = await only_job()
    request = upscale_of(job)
    assert (request.width, request.height, request.creativity, request.num_inference_steps) == (250, 150, 0.2, 8)
    assert status.content.startswith("Upscale 2.5× to 250×150\n")
    attempt = await gpu.begin(job.id)
    gpu.step(job.id, attempt, 3, 32)
    await server.world.wait_for(lambda m: m.id == status.id and "Adding detail · ▱▱▱▱▱▱▱▱▱▱ 3/32" in m.content)
    assert await gpu.finish(job, attempt, words="a *fox*")
    await gpu.post(job.id)
    done = await closed(job.id)
    posted = server.world.message(done.result_message_id or 0)
    assert posted is not None
    assert "Upscale 2.5× to 250×150\n-# AI-generated · sample · 250×150 · seed" in posted.content
    assert "\n-# Caption: a \\*fox\\*" in posted.content
    assert posted.labels() == ["Again", "Vary", "Edit", "Upscale", "More…"]
    assert posted.attachments[0].description == "Picture enlarged to 250×150 by AI: a fox"


async def test_the_button_enlarges_the_picture_by_its_own_prompt(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Twice as large, from the very picture in the blobs; and the result can be enlarged again, by the same prompt."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "size": "128x96"})).answer()
    drawn = await only_job()
    await gpu.draw(drawn)
    drawn = await closed(drawn.id)
    message = server.world.message(drawn.result_message_id or 0)
    assert message is not None
    await server.member("max").press(message, "Upscale")
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    job = await only_job()
    request = upscale_of(job)
    assert (job.source, job.parent_id) == ("upscale", drawn.id)
    assert (request.width, request.height, request.recipe) == (256, 192, "a red fox")
    assert request.image.sha256 == drawn.pictures[0].sha256
    await gpu.draw(job)
    larger = server.world.message((await closed(job.id)).result_message_id or 0)
    assert larger is not None
    await luna.press(larger, "Upscale")
    await server.world.wait_for(lambda m: m.reference_id == larger.id and "Cancel" in m.labels())
    assert upscale_of(await only_job()).recipe == "a red fox"


async def test_the_menu_enlarges_any_message_with_a_picture(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed, picture: MakePicture
) -> None:
    """A member's own upload, and one of the bot's pictures with its prompt; another message gets one sentence."""
    luna = server.member("luna")
    upload = await luna.say("look", files=[picture("fox.png", 80, 64)])
    await (await luna.menu(upload, "Upscale")).answer()
    first = await only_job()
    assert (upscale_of(first).width, upscale_of(first).recipe) == (160, "")
    await gpu.draw(first)
    await closed(first.id)
    await (await luna.slash("imagine", {"prompt": "a red fox", "size": "128x96"})).answer()
    drawn = await only_job()
    await gpu.draw(drawn)
    message = server.world.message((await closed(drawn.id)).result_message_id or 0)
    assert message is not None
    await (await luna.menu(message, "Upscale")).answer()
    assert upscale_of(await only_job()).recipe == "a red fox"
    talk = await luna.say("hello")
    refused = await (await luna.menu(talk, "Upscale")).answer()
    assert refused.ephemeral
    assert refused.content.startswith("There is no picture in that message; choose one")


async def test_of_several_pictures_of_a_message_the_menu_asks_which(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: MakePicture
) -> None:
    """A member's own files, named; the one that is chosen is enlarged where everybody sees it."""
    luna = server.member("luna")
    upload = await server.member("max").say("look", files=[picture("fox.png", 80, 64), picture("owl.png", 96, 64)])
    asked = await (await luna.menu(upload, "Upscale")).answer()
    assert asked.ephemeral
    status = await (await luna.select(asked, "Which picture…", "2 · owl.png")).answer()
    assert (status.ephemeral, status.content.splitlines()[0]) == (False, "Upscale 2× to 192×128")
    assert upscale_of(await only_job()).width == 192


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": (1, 1)}, "The picture is 1x1; each side has to be at least 32 pixels to be enlarged."),
        ({"image": (40, 900)}, "crop it to at most 8:1"),
        (
            {"image": (100, 100), "size": "9000x9000"},
            "Size 9000x9000 is out of reach of a picture of 100x100; give 100x100 to 400x400.",
        ),
        ({"image": (1600, 1200), "factor": 4}, "give a factor of at most 2.95."),
        ({"image": (100, 100), "factor": 2, "size": "1"}, "Give either a factor or a size, not both."),
    ],
)
async def test_what_cannot_be_enlarged_gets_one_sentence(
    server: SandboxServer, bot: Flux2Bot, picture: MakePicture, options: dict[str, Any], sentence: str
) -> None:
    """For the member alone, and nothing is queued."""
    given = options | {"image": picture("fox.png", *options["image"])}
    refused = await (await server.member("luna").slash("upscale", given)).answer()
    assert refused.ephemeral
    assert sentence in refused.content
    assert await bot.services.ledger.open_jobs() == []


@pytest.mark.parametrize("options", [{"factor": 9}, {"creativity": -1}, {"steps": 3}, {"guidance": 5}])
async def test_discord_itself_refuses_what_is_out_of_range(
    server: SandboxServer, bot: Flux2Bot, picture: MakePicture, options: dict[str, Any]
) -> None:
    """The command's options carry their bounds."""
    with pytest.raises(ClientRefused):
        await server.member("luna").slash("upscale", {"image": picture("fox.png", 100, 100), **options})


async def test_a_picture_no_channel_holds_whole_is_kept_whole(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed, picture: MakePicture
) -> None:
    """What is posted is made to fit and says so; the full file stays in the blobs."""
    luna = server.member("luna")
    await (await luna.slash("upscale", {"image": picture("fox.png", 600, 600), "factor": 4})).answer()
    job = await only_job()
    noise = Image.frombytes("RGB", (2400, 2400), os.urandom(2400 * 2400 * 3))
    data = await asyncio.to_thread(images.encode, noise, "png", 100)
    assert len(data) > 10 * 1024 * 1024
    whole = Picture(
        sha256=gpu.blobs.put(data), output_format="png", width=2400, height=2400, size_bytes=len(data), seed=1
    )
    attempt = await gpu.begin(job.id)
    assert gpu.fence.accept(RenderResult(job_id=job.id, attempt=attempt, pictures=(whole,), seconds=1, words="x"))
    await gpu.post(job.id)
    posted = server.world.message((await closed(job.id)).result_message_id or 0)
    assert posted is not None
    assert "to fit 10 MB; the whole file (16.5 MB) is kept." in posted.content
    assert gpu.blobs.get(whole.sha256) == data


async def test_an_upscale_is_redone_with_other_words_or_another_seed(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed, picture: MakePicture
) -> None:
    """Edit gives it a caption, Again another seed; both enlarge the same picture to the same size."""
    luna = server.member("luna")
    await (await luna.slash("upscale", {"image": picture("fox.png", 64, 64)})).answer()
    first = await only_job()
    await gpu.draw(first)
    message = server.world.message((await closed(first.id)).result_message_id or 0)
    assert message is not None
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {"prompt": "a blue fox"})
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    reworded = await only_job()
    assert upscale_of(reworded) == upscale_of(first).model_copy(update={"prompt": "a blue fox"})
    await gpu.draw(reworded)
    again = server.world.message((await closed(reworded.id)).result_message_id or 0)
    assert again is not None
    await luna.press(again, "Again")
    await server.world.wait_for(lambda m: m.reference_id == again.id and "Cancel" in m.labels())
    request = upscale_of(await only_job())
    assert request.seed != upscale_of(reworded).seed
    assert request.model_copy(update={"seed": upscale_of(reworded).seed}) == upscale_of(reworded)
