"""More… and what stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from redis import Redis

from bot.client import Flux2Bot
from bot.ledger.job import Job
from config.settings import BotSettings
from flux2.models import REGISTRY
from sandbox.member import Member
from sandbox.message import Message
from sandbox.server import SandboxServer
from worker.contract import Heartbeat
from worker.heartbeat import Beacon

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Draw = Callable[..., Awaitable[tuple[Job, Message]]]


@pytest.fixture
def drawn(drawn: Draw) -> Draw:
    """As PNG, the form that keeps its recipe."""
    return partial(drawn, format="png")


async def panel(member: Member, message: Message) -> Message:
    """What More… shows the member."""
    return await (await member.press(message, "More…")).answer()


async def test_the_panel_is_private_and_offers_an_owner_more(server: SandboxServer, drawn: Draw) -> None:
    """Only the owner and admins can hide or delete; everybody can copy the recipe."""
    _, message = await drawn(seed=7)
    for name, labels in (
        ("luna", ["Remix", "Favourite", "DM me", "Spoiler", "Delete", "Branch", "Recipe file", "Edit a part"]),
        ("ada", ["Remix", "Favourite", "DM me", "Spoiler", "Delete", "Branch", "Recipe file", "Edit a part"]),
        ("max", ["Remix", "Favourite", "DM me", "Report", "Branch", "Recipe file", "Edit a part"]),
    ):
        shown = await panel(server.member(name), message)
        assert shown.ephemeral
        assert shown.labels() == labels
        assert "/imagine prompt:a red fox size:" in shown.content
        assert "seed:7" in shown.content


async def test_a_prompt_cannot_leave_its_code_block(server: SandboxServer, drawn: Draw) -> None:
    """Backticks of a member stay inside."""
    _, message = await drawn(prompt="a ``` @everyone fox")
    shown = await panel(server.member("max"), message)
    assert shown.content.count("```") == 2


async def test_a_recipe_that_is_cut_says_where_it_is_whole(server: SandboxServer, drawn: Draw) -> None:
    """The longest prompt fits into no message."""
    _, message = await drawn(prompt="fox " * 1490)
    shown = await panel(server.member("max"), message)
    assert len(shown.content) <= 2000
    assert shown.content.endswith("…\n```\n-# Cut to fit; Recipe file holds all of it.")


async def test_remix_changes_what_was_changed_and_nothing_else(
    server: SandboxServer, drawn: Draw, only_job: OnlyJob
) -> None:
    """Same seed unless it is emptied; the answer stands under the pictures, not under the private panel."""
    before, message = await drawn(seed=7)
    max_ = server.member("max")
    modal = (await max_.press(await panel(max_, message), "Remix")).modal
    assert [field.label for field in modal.fields] == ["Prompt", "Size", "Seed", "Steps"]
    await max_.submit(modal, {"steps": "2"})
    status = await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    assert status.channel_id == message.channel_id
    job = await only_job()
    assert job.request == before.request.model_copy(update={"num_inference_steps": 2})
    assert (job.parent_id, job.user_id) == (before.id, max_.id)


async def test_remix_changes_the_model(
    server: SandboxServer, settings: BotSettings, drawn: Draw, bot: Flux2Bot
) -> None:
    """Of several that run one can be chosen; steps and guidance that were left are the other model's own."""
    before, message = await drawn(seed=7, size="512x256")
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        Beacon(redis).beat(Heartbeat(name="gpu-2", role="gpu", state="idle", model=REGISTRY["klein-4b"]))
    await bot.services.offer.look()
    luna = server.member("luna")
    modal = (await luna.press(await panel(luna, message), "Remix")).modal
    assert [field.label for field in modal.fields] == ["Prompt", "Size", "Seed", "Steps", "Model"]
    await luna.submit(modal, {"Model": "klein-4b"})
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    (job,) = await bot.services.ledger.open_jobs()
    steps = REGISTRY["klein-4b"].default_steps
    assert job.request == before.request.model_copy(update={"model": "klein-4b", "num_inference_steps": steps})


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("seed", "seven", "Seed takes a whole number; press Remix again."),
        ("size", "1x1x1", "Size"),
        ("steps", "9999", "Steps 9999 is out of range"),
    ],
)
async def test_a_remix_that_cannot_be_is_refused(
    server: SandboxServer, bot: Flux2Bot, drawn: Draw, field: str, text: str, words: str
) -> None:
    """One private sentence, nothing queued."""
    _, message = await drawn()
    luna = server.member("luna")
    modal = (await luna.press(await panel(luna, message), "Remix")).modal
    use = await (await luna.submit(modal, {field: text})).acknowledged()
    answer = use.messages[0] if use.messages else await use.follow_up()
    assert answer.ephemeral
    assert words in answer.content
    assert await bot.services.ledger.open_jobs() == []


async def test_a_favourite_is_marked_and_unmarked(server: SandboxServer, bot: Flux2Bot, drawn: Draw) -> None:
    """The panel that is pressed says which way the next press goes, and so does a new one."""
    job, message = await drawn()
    max_ = server.member("max")
    shown = await panel(max_, message)
    said = await (await max_.press(shown, "Favourite")).follow_up()
    assert said.ephemeral
    assert await bot.services.ledger.favourites.of(max_.id) == [job.id]
    assert "No longer a favourite" in (await panel(max_, message)).labels()
    await (await max_.press(shown, "No longer a favourite")).follow_up()
    assert await bot.services.ledger.favourites.of(max_.id) == []
    assert "Favourite" in shown.labels()


async def test_pictures_come_by_direct_message_or_it_is_said_why_not(server: SandboxServer, drawn: Draw) -> None:
    """Whoever asks gets the files, to go on from there; who takes no messages reads what to change."""
    job, message = await drawn()
    max_ = server.member("max")
    shown = await panel(max_, message)
    await (await max_.press(shown, "DM me")).follow_up()
    (sent,) = max_.messages(max_.dm)
    assert [file.filename for file in sent.attachments] == [f"flux2-{job.id}-1.png"]
    assert sent.labels() == message.labels()
    max_.close_dms()
    refused = await (await max_.press(shown, "DM me")).follow_up()
    assert refused.ephemeral
    assert "allow direct messages" in refused.content


async def test_an_owner_hides_shows_and_deletes(server: SandboxServer, bot: Flux2Bot, drawn: Draw) -> None:
    """The same message keeps its picture behind a spoiler, then without, then goes; what an admin does is noted."""
    job, message = await drawn()
    luna, ada = server.member("luna"), server.member("ada")
    shown = await panel(luna, message)
    for member, panel_of, expected in ((luna, shown, True), (ada, await panel(ada, message), False)):
        await (await member.press(panel_of, "Spoiler")).follow_up()
        now = server.world.message(message.id)
        assert now is not None
        assert [file.filename.startswith("SPOILER_") for file in now.attachments] == [expected]
        assert now.attachments[0].description == "AI-generated picture: a red fox"
    await (await luna.press(shown, "Delete")).follow_up()
    assert server.world.message(message.id) is None
    gone = await (await luna.press(shown, "Spoiler")).follow_up()
    assert gone.content == "That message is gone, so there is nothing to hide."
    again = await (await luna.press(shown, "Delete")).follow_up()
    assert again.content == "Deleted."
    (deed,) = await bot.services.ledger.governance.deeds(0)
    assert (deed.actor_id, deed.action, deed.target, deed.after) == (
        ada.id,
        "picture show",
        job.id,
        {"user_id": luna.id},
    )


async def test_two_presses_at_once_are_one_picture(
    server: SandboxServer, bot: Flux2Bot, drawn: Draw, only_job: OnlyJob
) -> None:
    """A double click does not draw twice; the second press is told so."""
    _, message = await drawn()
    luna = server.member("luna")
    uses = await asyncio.gather(*(luna.press(message, "Again", wait=False) for _ in range(2)))
    first, second = await asyncio.gather(*(use.acknowledged() for use in uses))
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    await only_job()
    (said,) = (*first.messages, *second.messages)
    assert (said.ephemeral, said.content) == (True, "I am on it already; one press is enough.")
