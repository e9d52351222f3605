"""Again, Edit and Cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job, Outcome
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Draw = Callable[..., Awaitable[tuple[Job, Message]]]


async def _next(server: SandboxServer, pressed: Message, only_job: OnlyJob) -> Job:
    """The job whose status message answers the pressed one."""
    await server.world.wait_for(lambda m: m.reference_id == pressed.id and "Cancel" in m.labels())
    return await only_job()


async def test_again_is_the_same_with_another_seed(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, drawn: Draw, only_job: OnlyJob, closed: Closed,
    picture: Callable[..., Upload],
) -> None:  # fmt: skip
    """Everything stays but the seed, references too; it is the presser's own job and may be pressed for ever."""
    before, message = await drawn(image1=picture(), count=2, format="png")
    other = server.member("max")
    await other.press(message, "Again")
    job = await _next(server, message, only_job)
    assert job.request == before.request.model_copy(update={"seed": job.request.seed})
    assert job.request.seed != before.request.seed
    assert (job.user_id, job.parent_id) == (other.id, before.id)
    await gpu.draw(job)
    done = await closed(job.id)
    posted = server.world.message(done.result_message_id or 0)
    assert posted is not None
    assert (posted.channel_id, posted.reference_id, posted.pinged) == (message.channel_id, message.id, {other.id})


async def test_changed_words_draw_anew_with_the_same_seed(
    server: SandboxServer, drawn: Draw, only_job: OnlyJob
) -> None:
    """The form shows the prompt; other words keep everything else."""
    before, message = await drawn()
    luna = server.member("luna")
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {"prompt": "a blue fox"})
    job = await _next(server, message, only_job)
    assert job.request == before.request.model_copy(update={"prompt": "a blue fox"})


async def test_unchanged_words_draw_another_picture(server: SandboxServer, drawn: Draw, only_job: OnlyJob) -> None:
    """Sending the form as it is does not draw the very same picture again."""
    before, message = await drawn()
    luna = server.member("luna")
    await luna.submit((await luna.press(message, "Edit")).modal, {})
    job = await _next(server, message, only_job)
    assert job.request.prompt == before.request.prompt
    assert job.request.seed != before.request.seed


async def test_the_second_field_edits_the_picture(server: SandboxServer, drawn: Draw, only_job: OnlyJob) -> None:
    """“Only change this” takes the picture as its reference and the field as its prompt."""
    before, message = await drawn()
    luna = server.member("luna")
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {"Only change this (edits the picture)": "add a hat"})
    job = await _next(server, message, only_job)
    assert job.request.prompt == "add a hat"
    assert [one.sha256 for one in job.request.reference_images] == [before.pictures[0].sha256]


async def test_a_prompt_too_long_for_the_form_is_kept(server: SandboxServer, drawn: Draw, only_job: OnlyJob) -> None:
    """Over 4000 characters the field opens empty, and leaving it empty keeps the prompt."""
    before, message = await drawn(prompt="fox " * 1200)
    luna = server.member("luna")
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {})
    assert (await _next(server, message, only_job)).request.prompt == before.request.prompt


async def test_cancel_takes_a_waiting_job_away(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, closed: Closed
) -> None:
    """The requester's Cancel ends it before it ran; the status says so and nothing is posted."""
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    await luna.press(status, "Cancel")
    assert (await closed(job.id)).outcome is Outcome.CANCELLED
    final = server.world.message(status.id)
    assert final is not None
    assert final.content.endswith("\nCancelled")


async def test_cancel_stops_a_running_job(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """While it runs the status says it is stopping; the worker sees the flag."""
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    await server.world.wait_for(lambda m: m.id == status.id and "Drawing · ▱" in m.content)
    await luna.press(status, "Cancel")
    await server.world.wait_for(lambda m: m.id == status.id and "Cancelling" in m.content)
    assert gpu.fence.is_cancelled(job.id)
    assert gpu.fence.stop(job.id, attempt)
    assert (await closed(job.id)).outcome is Outcome.CANCELLED


async def test_only_the_requester_or_an_admin_cancels(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, closed: Closed
) -> None:
    """Another member's press is refused in a sentence; an admin's works."""
    status = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    refused = await (await server.member("max").press(status, "Cancel")).answer()
    assert refused.ephemeral
    assert "another member's picture" in refused.content
    await server.member("ada").press(status, "Cancel")
    assert (await closed(job.id)).outcome is Outcome.CANCELLED


async def test_a_button_of_an_older_bot_is_answered(server: SandboxServer, bot: Flux2Bot, drawn: Draw) -> None:
    """A custom_id nobody knows any more gets a sentence, not “interaction failed”."""
    _, message = await drawn()
    message.components[0]["components"][0]["custom_id"] = "flux2:v0:again:1"
    answer = await (await server.member("luna").press(message, "Again")).answer()
    assert answer.ephemeral
    assert "too old" in answer.content


async def test_a_recipe_that_is_gone_is_said(server: SandboxServer, bot: Flux2Bot, drawn: Draw) -> None:
    """A button whose job the ledger no longer has is answered."""
    _, message = await drawn()
    message.components[0]["components"][0]["custom_id"] = "flux2:v1:again:" + "f" * 16
    answer = await (await server.member("luna").press(message, "Again")).answer()
    assert answer.ephemeral
    assert "no longer kept" in answer.content


async def test_a_failure_can_be_tried_again(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """A failed job tells why, pings its requester, and offers Again."""
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    await gpu.fail(job, await gpu.begin(job.id))
    await gpu.post(job.id)
    done = await closed(job.id)
    assert done.outcome is Outcome.FAILED
    notice = server.world.message(done.result_message_id or 0)
    assert notice is not None
    assert (
        notice.content
        == f"<@{luna.id}> The picture did not fit into the GPU's memory; ask for a smaller size or fewer images."
    )
    final = server.world.message(status.id)
    assert final is not None
    assert "Not drawn" in final.content
    await luna.press(notice, "Again")
    assert (await _next(server, notice, only_job)).request.prompt == "a red fox"


async def test_a_press_that_overtakes_the_news_of_the_posting_knows_all_pictures(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody quick presses before the ledger knows that there are pictures at all."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "count": 2, "format": "png"})).answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    apply, held = bot.services.ledger.apply, asyncio.Event()

    async def late(event: Any, *rest: Any) -> Any:
        await held.wait()
        return await apply(event, *rest)

    monkeypatch.setattr(bot.services.ledger, "apply", late)  # the ledger's own, only later
    assert await gpu.finish(job, attempt)
    await gpu.post(job.id)
    posted = await server.world.wait_for(lambda m: bool(m.attachments))
    press = await luna.press(posted, "Upscale", wait=False)
    await asyncio.sleep(0.3)
    held.set()
    asked = await press.answer()
    (choice,) = (one for one in asked.walk_components() if one.get("placeholder") == "Which picture…")
    assert [option["value"] for option in choice["options"]] == ["1", "2"]
