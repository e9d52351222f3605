"""Vary, Final, and the question which of several pictures is meant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from redis import Redis

from bot.client import Flux2Bot
from bot.ledger.job import Job
from bot.variations import STRONG, SUBTLE
from config.settings import BotSettings
from flux2.models import REGISTRY
from flux2.request import GenerationRequest
from flux2.upscaling.request import UpscaleRequest
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer
from worker.contract import Heartbeat, model_key
from worker.heartbeat import Beacon

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Draw = Callable[..., Awaitable[tuple[Job, Message]]]


async def _next(server: SandboxServer, pressed: Message, only_job: OnlyJob) -> tuple[Job, Message]:
    """The job whose status message answers the pressed one, and that message."""
    status = await server.world.wait_for(lambda m: m.reference_id == pressed.id and "Cancel" in m.labels())
    return await only_job(), status


def _drawing(job: Job) -> GenerationRequest:
    assert isinstance(job.request, GenerationRequest)
    return job.request


def _selected(message: Message) -> list[str]:
    """What is shown as chosen in the selects of a message."""
    selects = (one for one in message.walk_components() if "options" in one)
    return [option["label"] for select in selects for option in select["options"] if option.get("default")]


async def test_a_picture_is_varied_after_a_question_for_the_presser(
    server: SandboxServer, drawn: Draw, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """The same over the picture with a new seed, as the presser's own job; the answer stands under the picture."""
    before, message = await drawn()
    max_ = server.member("max")
    asked = await (await max_.press(message, "Vary")).answer()
    assert asked.ephemeral
    assert asked.labels() == ["Subtle", "Strong"]
    await max_.press(asked, "Subtle")
    job, status = await _next(server, message, only_job)
    request = _drawing(job)
    assert request.init_image is not None
    assert request.init_image.sha256 == before.pictures[0].sha256
    over = {"init_image": request.init_image, "strength": SUBTLE, "seed": request.seed}
    assert request == _drawing(before).model_copy(update=over)
    assert request.seed != _drawing(before).seed
    assert (job.source, job.parent_id, job.user_id) == ("vary", before.id, max_.id)
    assert status.content.startswith("Variation of “a red fox”")
    await gpu.draw(job)
    varied = server.world.message((await closed(job.id)).result_message_id or 0)
    assert varied is not None
    assert varied.reference_id == message.id
    panel = await (await max_.press(varied, "More…")).answer()
    assert panel.content.startswith("Drawn over another picture")
    await max_.submit((await max_.press(panel, "Remix")).modal, {"prompt": "a blue fox"})
    remixed, _ = await _next(server, varied, only_job)
    assert _drawing(remixed) == request.model_copy(update={"prompt": "a blue fox"})
    await gpu.draw(remixed)
    await closed(remixed.id)
    await max_.press(await (await max_.press(varied, "Vary")).answer(), "Strong")
    again, _ = await _next(server, varied, only_job)
    assert _drawing(again).strength == STRONG


async def test_of_several_the_chosen_one_is_varied_with_its_references(
    server: SandboxServer, drawn: Draw, only_job: OnlyJob, picture: Callable[..., Upload]
) -> None:
    """The first is preselected; a choice holds for the buttons pressed after it, and the result says which it was."""
    before, message = await drawn(image1=picture(), count=2)
    luna = server.member("luna")
    asked = await (await luna.press(message, "Vary")).answer()
    assert _selected(asked) == ["Image 1"]
    await (await luna.select(asked, "Which picture…", "Image 2")).answer()
    assert _selected(asked) == ["Image 2"]
    await luna.press(asked, "Strong")
    job, _ = await _next(server, message, only_job)
    request = _drawing(job)
    assert request.init_image is not None
    assert request.init_image.sha256 == before.pictures[1].sha256
    assert request.reference_images == _drawing(before).reference_images
    assert request.count == 2
    assert "From image 2 of 2." in job.notes


async def test_a_picture_that_is_no_longer_stored_is_taken_from_its_message(
    server: SandboxServer, drawn: Draw, gpu: Gpu, only_job: OnlyJob
) -> None:
    """The private question holds no picture, so the message is looked up; when that is gone too, it is said."""
    before, message = await drawn()
    luna = server.member("luna")
    asked = await (await luna.press(message, "Vary")).answer()
    gpu.blobs.delete(before.pictures[0].sha256)
    await luna.press(asked, "Subtle")
    job, _ = await _next(server, message, only_job)
    request = _drawing(job)
    assert request.init_image is not None
    assert gpu.blobs.exists(request.init_image.sha256)
    gpu.blobs.delete(request.init_image.sha256)
    panel = await (await luna.press(message, "More…")).answer()
    await (await luna.press(panel, "Delete")).follow_up()
    refused = await (await luna.press(asked, "Strong")).follow_up()
    assert refused.ephemeral
    assert refused.content == "That picture is no longer stored, and its message is gone; draw it again."


async def test_a_draft_is_made_final_by_the_better_model(
    server: SandboxServer, bot: Flux2Bot, drawn: Draw, only_job: OnlyJob, settings: BotSettings
) -> None:
    """It is offered once that model runs, draws the pick as its image 1, and is refused once it is gone."""
    before, message = await drawn(count=2, seed=7)
    luna = server.member("luna")
    assert "Final" not in (await (await luna.press(message, "Vary")).answer()).labels()
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    klein = Heartbeat(name="gpu-2", role="gpu", state="idle", model=REGISTRY["klein-4b"])
    Beacon(redis).beat(klein)
    await bot.services.offer.look()
    asked = await (await luna.press(message, "Vary")).answer()
    assert asked.labels() == ["Subtle", "Strong", "Final"]
    assert "klein-4b in 4 steps" in asked.content
    await (await luna.select(asked, "Which picture…", "Image 2")).answer()
    await luna.press(asked, "Final")
    job, _ = await _next(server, message, only_job)
    request = _drawing(job)
    assert (request.model, request.prompt, request.seed, request.count) == ("klein-4b", "a red fox", 8, 1)
    assert [one.sha256 for one in request.reference_images] == [before.pictures[1].sha256]
    assert (request.width, request.height) == (1024, 1024)
    assert (job.source, job.parent_id) == ("final", before.id)
    other = await (await luna.press(message, "Vary")).answer()
    await (await server.member("ada").slash("admin model disable", {"model": "klein-4b"})).answer()
    assert "Final" not in (await (await luna.press(message, "Vary")).answer()).labels()
    await (await server.member("ada").slash("admin model enable", {"model": "klein-4b"})).answer()
    for key in (model_key("klein-4b"), "worker:gpu-2"):
        redis.delete(key)
    redis.close()
    refused = await (await luna.press(other, "Final")).follow_up()
    assert refused.ephemeral
    assert refused.content.startswith("No better model is running for this picture right now;")


async def test_of_several_the_chosen_one_is_enlarged(
    server: SandboxServer, bot: Flux2Bot, drawn: Draw, only_job: OnlyJob
) -> None:
    """Nothing is queued before the choice."""
    before, message = await drawn(count=2)
    luna = server.member("luna")
    asked = await (await luna.press(message, "Upscale")).answer()
    assert asked.ephemeral
    assert await bot.services.ledger.open_jobs() == []
    await luna.select(asked, "Which picture…", "Image 2")
    job, _ = await _next(server, message, only_job)
    assert isinstance(job.request, UpscaleRequest)
    assert job.request.image.sha256 == before.pictures[1].sha256
    assert "Image 2 of the 2 pictures was enlarged." in job.notes
    from_menu = await (await luna.menu(message, "Upscale")).answer()
    assert from_menu.ephemeral
    assert any("options" in one for one in from_menu.walk_components())


async def test_the_form_of_edit_asks_which(server: SandboxServer, drawn: Draw, only_job: OnlyJob) -> None:
    """What is chosen there is edited, and what the words name besides comes after it."""
    before, message = await drawn(count=3)
    luna = server.member("luna")
    modal = (await luna.press(message, "Edit")).modal
    change = {"Only change this (edits the picture)": "the hat of image 1", "Which picture is edited": "Image 3"}
    await luna.submit(modal, change)
    job, _ = await _next(server, message, only_job)
    request = _drawing(job)
    assert request.prompt == "the hat of image 2"
    assert [one.sha256 for one in request.reference_images] == [before.pictures[n].sha256 for n in (2, 0)]


async def test_a_single_picture_is_not_asked_about(server: SandboxServer, drawn: Draw) -> None:
    """Neither in the form of Edit nor by Vary."""
    _, message = await drawn()
    luna = server.member("luna")
    labels = [field.label for field in (await luna.press(message, "Edit")).modal.fields]
    assert "Which picture is edited" not in labels
    asked = await (await luna.press(message, "Vary")).answer()
    assert not any("options" in one for one in asked.walk_components())
