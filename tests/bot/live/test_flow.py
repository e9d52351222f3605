"""From /imagine to the picture: status message, thread, result, buttons."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from redis import Redis

from bot.client import Flux2Bot
from bot.ledger.job import Job, Outcome, State
from config.settings import BotSettings
from sandbox.faults import Fail, Fault
from sandbox.redis_server import RedisServer
from sandbox.server import SandboxServer
from worker.contract import Progress, worker_key

PATIENCE_S = 60.0
Gpu = Any
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]


async def test_a_prompt_becomes_a_picture_in_a_thread(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """The member reads a place at once; the picture comes into a thread, pings them, and the status says it is done."""
    luna = server.member("luna")
    use = await luna.slash("imagine", {"prompt": "a red fox", "aspect": "16:9"})
    status = await use.answer()
    assert not status.ephemeral
    assert status.content.startswith("“a red fox”\n")
    assert status.labels() == ["Cancel"]
    job = await only_job()
    attempt = await gpu.begin(job.id)
    gpu.step(job.id, attempt, 4)
    await server.world.wait_for(lambda m: m.id == status.id and "▰▰▰▰▰▱▱▱▱▱ 4/8" in m.content)
    assert await gpu.finish(job, attempt)
    await gpu.post(job.id)
    job = await closed(job.id)
    assert job.outcome is Outcome.DELIVERED
    assert job.state is State.CLOSED
    (thread,) = server.world.threads(server.world.channel("pictures").id)
    assert (thread.id, thread.name) == (status.id, "a red fox")
    result = await server.world.wait_for(lambda m: bool(m.attachments), channel_id=thread.id)
    assert result.pinged == {luna.id}
    assert result.attachments[0].description == "AI-generated picture: a red fox"
    final = server.world.message(status.id)
    assert final is not None
    assert final.labels() == []
    assert final.content.endswith(
        f"Done · 1.5 s · https://discord.com/channels/{server.world.guild.id}/{thread.id}/{result.id}"
    )


async def test_an_edit_button_survives_a_restart(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """A button posted by one process is understood by the next, and so is a form it opened."""
    luna = server.member("luna")
    async with start(settings) as first:
        await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
        (job,) = await first.services.ledger.open_jobs()
        await gpu.draw(job)
        result = await server.world.wait_for(lambda m: bool(m.attachments))
        modal = (await luna.press(result, "Edit")).modal
    async with start(settings) as second:
        await luna.submit(modal, {"prompt": "a blue fox"})
        await luna.press(result, "Again")
        jobs = await _open(second, 2)
        assert {(job.source, job.request.prompt) for job in jobs} == {("edit", "a blue fox"), ("again", "a red fox")}


async def test_jobs_of_a_stopped_bot_are_told_of_at_the_next_start(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """A picture finished and posted while no bot ran still gets its last status line."""
    luna = server.member("luna")
    async with start(settings) as first:
        status = await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
        (job,) = await first.services.ledger.open_jobs()
        attempt = await gpu.begin(job.id)
    assert await gpu.finish(job, attempt)
    await gpu.post(job.id)
    async with start(settings):
        final = await server.world.wait_for(lambda m: m.id == status.id and "Done" in m.content)
        assert final.labels() == []


async def test_a_status_older_than_its_token_is_edited_by_the_bot(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """After 15 minutes the interaction's token is dead and the last line is written with the bot's own."""
    status = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    server.world.clock.advance(16 * 60)
    gpu.beat()
    await gpu.draw(job)
    await closed(job.id)
    final = server.world.message(status.id)
    assert final is not None
    assert "Done" in final.content


async def test_a_thread_that_cannot_be_opened_costs_no_picture(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """With too many threads the result goes to the channel itself."""
    server.world.faults.add(Fault("POST", r"/threads$", Fail(400, 160006)))
    await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    await gpu.draw(job)
    done = await closed(job.id)
    assert done.result_channel_id == server.world.channel("pictures").id


async def test_a_thread_that_exists_already_is_used(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """When the answer to opening a thread is lost, asking again finds it there and the result goes into it."""
    server.world.faults.add(Fault("POST", r"/threads$", Fail(502, after_commit=True)))
    status = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    await gpu.draw(job)
    assert (await closed(job.id)).result_channel_id == status.id


async def test_inside_a_thread_the_result_stays_there(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """/imagine in a thread opens no second one."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    first = await only_job()
    await gpu.draw(first)
    thread_id = (await closed(first.id)).result_channel_id
    await (await luna.slash("imagine", {"prompt": "a blue fox"}, channel=thread_id)).answer()
    second = await only_job()
    await gpu.draw(second)
    assert (await closed(second.id)).result_channel_id == thread_id
    assert len(server.world.threads(server.world.channel("pictures").id)) == 1


async def test_an_interaction_that_arrives_twice_is_one_job(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob
) -> None:
    """A gateway event repeated by Discord makes neither a second job nor an error."""
    server.world.faults.duplicate("INTERACTION_CREATE")
    answer = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    await asyncio.sleep(0.5)
    await only_job()
    assert [m for m in server.world.messages(answer.channel_id) if m.is_by_bot] == [answer]


async def test_waiting_members_read_places_reasons_and_pauses(server: SandboxServer, bot: Flux2Bot, gpu: Gpu) -> None:
    """Places are counted per model, the pause is said, and both change when the queue moves."""
    luna, ada = server.member("luna"), server.member("ada")
    await (await ada.slash("admin pause", {"reason": "new GPU"})).answer()
    first = await (await luna.slash("imagine", {"prompt": "one fox"})).answer()
    second = await (await server.member("max").slash("imagine", {"prompt": "two foxes"})).answer()
    world = server.world
    await world.wait_for(lambda m: m.id == first.id and "Next in the queue · paused: new GPU" in m.content)
    await world.wait_for(lambda m: m.id == second.id and "Queued 2nd · paused" in m.content)
    await luna.press(first, "Cancel")
    await world.wait_for(lambda m: m.id == first.id and m.content.endswith("\nCancelled") and not m.labels())
    await world.wait_for(lambda m: m.id == second.id and "Next in the queue · paused" in m.content)
    await (await ada.slash("admin resume")).answer()
    await world.wait_for(lambda m: m.id == second.id and "paused" not in m.content)


async def test_a_loading_model_is_said(server: SandboxServer, bot: Flux2Bot, gpu: Gpu) -> None:
    """While the worker loads its model, members read how far it is."""
    gpu.beat("loading", 34)
    status = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    await server.world.wait_for(lambda m: m.id == status.id and "model loading, 34 %" in m.content)


async def test_a_model_nobody_serves_any_more_is_said(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, redis_server: RedisServer
) -> None:
    """A job that waits for a worker to come back names no time, on its status message and in /jobs alike."""
    with Redis.from_url(redis_server.url) as redis:
        redis.delete(worker_key("gpu-1"))
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    assert "no GPU is running right now" in status.content
    assert "no GPU is running right now" in (await (await luna.slash("jobs")).answer()).content


async def test_the_list_of_jobs_knows_the_step(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob
) -> None:
    """/jobs says the same step as the status message; a picture decoded in between does not finish the job."""
    luna = server.member("luna")
    status = await (await luna.slash("imagine", {"prompt": "two foxes", "count": 2, "steps": 4})).answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    gpu.step(job.id, attempt, 4)
    await server.world.wait_for(lambda m: m.id == status.id and "Drawing · ▰▰▰▰▰▱▱▱▱▱ 4/8" in m.content)
    gpu.fence.announce(Progress(job_id=job.id, attempt=attempt, phase="decode", step=0, steps=2))
    assert "Drawing · ▰▰▰▰▰▱▱▱▱▱ 4/8" in (await (await luna.slash("jobs")).answer()).content
    gpu.step(job.id, attempt, 8)
    await server.world.wait_for(lambda m: m.id == status.id and "8/8" in m.content)
    gpu.fence.announce(Progress(job_id=job.id, attempt=attempt, phase="decode", step=1, steps=2))
    await server.world.wait_for(lambda m: m.id == status.id and "Finishing the pictures" in m.content)


async def test_what_is_cancelled_cannot_be_cancelled_again(server: SandboxServer, bot: Flux2Bot, gpu: Gpu) -> None:
    """A second press in an old list says that it is cancelled, not that it is finished."""
    luna, ada = server.member("luna"), server.member("ada")
    await (await ada.slash("admin pause")).answer()
    await (await luna.slash("imagine", {"prompt": "a red fox"})).answer()
    listed = await (await luna.slash("jobs")).answer()
    for words in ("Cancelled before it was begun.", "This is cancelled already."):
        use = await luna.press(listed, "Cancel")
        assert (await use.follow_up()).content == words


async def test_sizes_are_suggested_as_far_as_the_model_draws(server: SandboxServer, bot: Flux2Bot, gpu: Gpu) -> None:
    """No size is suggested that the next moment refuses."""
    suggested = await server.member("luna").autocomplete("imagine", "size", "")
    assert [choice["name"] for choice in suggested] == ["0.5 megapixels", "1 megapixel", "2 megapixels"]


async def test_a_lost_gateway_is_found_again_at_the_same_place(server: SandboxServer, bot: Flux2Bot) -> None:
    """Reconnecting, with or without a session to resume, never leaves the configured gateway."""
    world, gateway = server.world, server.gateway
    resumed, identified = gateway.resumes, gateway.identifies
    world.faults.reconnect_gateway()
    await world.hub.until(lambda: gateway.resumes > resumed or None, PATIENCE_S)
    world.faults.invalidate_sessions()
    await world.hub.until(lambda: gateway.identifies > identified or None, PATIENCE_S)
    answer = await (await server.member("luna").slash("help")).answer()
    assert answer.ephemeral


async def _open(bot: Flux2Bot, count: int) -> list[Job]:
    """Wait until so many jobs are open."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            jobs = await bot.services.ledger.open_jobs()
            if len(jobs) == count:
                return jobs
            await asyncio.sleep(0.05)


async def test_a_preview_stands_on_the_status_message_until_the_picture_is_there(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """What the picture is becoming is shown with its step, and taken away at the end."""
    status = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    preview = gpu.blobs.put(b"a picture in the making")
    gpu.fence.announce(Progress(job_id=job.id, attempt=attempt, phase="denoise", step=3, steps=8, preview=preview))
    shown = await server.world.wait_for(lambda m: m.id == status.id and bool(m.attachments))
    assert [file.filename for file in shown.attachments] == ["preview.webp"]
    assert "3/8" in shown.content
    assert await gpu.finish(job, attempt)
    await gpu.post(job.id)
    await closed(job.id)
    final = server.world.message(status.id)
    assert final is not None
    assert final.attachments == []
