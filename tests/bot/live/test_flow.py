"""From /imagine to the picture: status message, thread, result, buttons."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.client import Flux2Bot
from bot.ledger.job import Job, Outcome, State
from sandbox.server import SandboxServer

OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]


async def test_a_prompt_becomes_a_picture_in_a_thread(
    server: SandboxServer, bot: Flux2Bot, gpu, only_job: OnlyJob, closed: Closed
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
    assert final.content.endswith(f"Done · 2 s · https://discord.com/channels/{server.world.guild.id}/{thread.id}/{result.id}")
