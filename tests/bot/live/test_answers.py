"""Pictures that only answers bring: private ones on a server, and all where the bot is no member."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest

from bot import narration
from bot.client import Flux2Bot
from bot.ledger.job import Job, Outcome, State
from bot.ledger.rows import now
from bot.presenter import expiring, late
from config.settings import BotSettings
from sandbox.guild import Channel
from sandbox.interaction import TOKEN_S
from sandbox.member import Member, Upload
from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.server import SandboxServer

Gpu = Any
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
FOX = {"prompt": "a red fox", "seed": 7}


@pytest.fixture
def settings(settings: BotSettings) -> BotSettings:
    """Members may add the bot to their account."""
    return settings.model_copy(update={"user_install": True})


@pytest.fixture
def abroad(server: SandboxServer) -> Channel:
    """A channel of a server without the bot; luna, who added it to her account, and max are there."""
    world = server.world
    guild = world.add_guild("Elsewhere", with_bot=False)
    for name in ("luna", "max"):
        world.join(guild, world.user(name))
    server.member("luna").install()
    return world.add_channel("abroad", guild=guild)


def shown_to(member: Member, channel: Channel | str) -> list[Message]:
    """What a member sees of the bot in a channel."""
    return [message for message in member.messages(channel) if message.is_by_bot]


async def test_a_private_picture_and_what_comes_of_it_are_seen_by_nobody_else(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Status, picture, the next by a button, the change by a form: all for luna alone; no thread, and no way to post
    it, or to change a message that cannot be reached, behind More…"""
    luna, other = server.member("luna"), server.member("max")
    use = await luna.slash("imagine", {**FOX, "private": True})
    status = await use.answer()
    assert (status.ephemeral, status.labels()) == (True, ["Cancel"])
    job = await only_job()
    await gpu.draw(job)
    await closed(job.id)
    (picture,) = use.interaction.follow_ups
    assert (picture.ephemeral, len(picture.attachments)) == (True, 1)
    assert status.content.endswith("Done · 1.5 s")

    again = await luna.press(picture, "Again")
    assert (await again.answer()).ephemeral
    second = await only_job()
    assert (second.parent_id, second.is_private) == (job.id, True)
    await gpu.draw(second)
    await closed(second.id)
    (next_picture,) = again.interaction.follow_ups
    assert next_picture.ephemeral

    form = (await luna.press(next_picture, "Edit")).modal
    changed = await luna.submit(form, {"prompt": "a blue fox"})
    assert (await changed.answer()).ephemeral
    third = await only_job()
    assert third.is_private
    await gpu.fail(third, await gpu.begin(third.id))
    await gpu.post(third.id)
    await closed(third.id)
    assert changed.interaction.follow_ups[0].ephemeral

    panel = (await luna.press(next_picture, "More…")).messages[0]
    assert not {"Spoiler", "Delete", "Branch"} & set(panel.labels())
    assert "see it" not in (await (await luna.slash("history")).answer()).content
    assert shown_to(other, "pictures") == []
    assert server.world.threads(server.world.channel("pictures").id) == []


async def test_a_member_who_prefers_it_draws_in_private_until_told_otherwise(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu
) -> None:
    """Set once, it holds for commands and forms, also where the bot may not post; an option goes before it; other
    members draw as ever."""
    luna, other, world = server.member("luna"), server.member("max"), server.world
    assert "pictures that only you see" in (await (await luna.slash("settings", {"private": True})).answer()).content
    world.overwrite(world.channel("lounge"), world.bot, deny=Permission.SEND_MESSAGES)
    for opened in (await luna.slash("studio", channel="lounge"), await luna.slash("scene", channel="lounge")):
        assert opened.modal is not None
    form = (await luna.slash("scene")).modal
    told = {name: (await luna.slash(name, {"private": False})).modal for name in ("scene", "studio")}
    seen = {
        "by command": (await luna.slash("imagine", FOX)),
        "by form": (await luna.submit(form, {"scene": "a quiet harbour"})),
        "told otherwise": (await luna.slash("imagine", {**FOX, "private": False})),
        "told otherwise by form": (await luna.submit(told["scene"], {"scene": "a quiet harbour"})),
        "told otherwise in the studio": (await luna.submit(told["studio"], {"prompt": "a quiet harbour"})),
        "another": (await other.slash("imagine", FOX)),
    }
    alone = {how: (await use.answer()).ephemeral for how, use in seen.items()}
    assert {how for how, is_alone in alone.items() if is_alone} == {"by command", "by form"}
    await (await luna.slash("settings", {"private": False})).answer()
    assert not (await (await luna.slash("imagine", FOX)).answer()).ephemeral


async def test_not_even_admins_get_a_private_picture_shown(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Its member has it posted again, to herself; an admin with its id is refused. Logs and export lack the token."""
    use = await server.member("luna").slash("imagine", {**FOX, "private": True})
    await use.answer()
    job = await only_job()
    await gpu.draw(job)
    await closed(job.id)
    refused = await (await server.member("ada").slash("history", {"id": job.id})).answer()
    assert "another member's picture" in refused.content
    own = await (await server.member("luna").slash("history", {"id": job.id})).answer()
    assert (own.ephemeral, len(own.attachments)) == (True, 1)
    exported = str(await bot.services.ledger.forgetting.dossier(job.user_id))
    assert use.interaction.token not in exported + caplog.text


async def test_what_would_come_too_late_is_refused_and_given_back(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed, monkeypatch: pytest.MonkeyPatch,
    picture: Callable[..., Upload],
) -> None:  # fmt: skip
    """With the wait in words, nothing left in the queue, and no public placeholder; in public it is accepted."""
    luna = server.member("luna")
    ledger = bot.services.ledger
    place_of = ledger.place

    async def busy(job_id: str) -> Any:
        found = await place_of(job_id)
        return None if found is None else type(found)(9, 0, 8, eta_s=13 * 60.0)

    monkeypatch.setattr(ledger, "place", busy)
    use = await luna.slash("imagine", {**FOX, "private": True})
    refused = await use.follow_up()
    assert refused.ephemeral
    assert refused.content.startswith("The wait is about 13 min now, an answer here can reach you for 15 minutes only")
    assert await ledger.open_jobs() == []
    assert await ledger.unfinished_statuses() == []
    await (await luna.slash("imagine", FOX)).answer()
    assert (await only_job()).state is State.WAITING
    await ledger.set_paused("lunch", by=1)
    paused = await (await luna.slash("upscale", {"image": picture(), "private": True})).follow_up()
    assert paused.content.startswith("Pictures are paused just now, an answer here")


async def test_where_the_bot_is_no_member_answers_bring_the_picture(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, abroad: Channel, only_job: OnlyJob, closed: Closed
) -> None:
    """Everybody there sees it, with its buttons, which others may press too; the rules are those outside servers."""
    luna, other = server.member("luna"), server.member("max")
    use = await luna.slash("imagine", FOX, channel=abroad)
    status = await use.answer()
    job = await only_job()
    assert (job.guild_id, job.channel_id, status.ephemeral) == (None, abroad.id, False)
    await gpu.draw(job)
    done = await closed(job.id)
    (picture,) = use.interaction.follow_ups
    assert (picture.id, picture.channel_id, len(picture.attachments)) == (done.result_message_id, abroad.id, 1)
    assert f"/channels/{abroad.guild_id}/{abroad.id}/{picture.id}" in status.content

    again = await other.press(picture, "Again")
    await again.answer()
    second = await only_job()
    assert (second.user_id, second.parent_id, second.guild_id) == (other.id, job.id, None)
    await gpu.draw(second)
    await closed(second.id)
    assert again.interaction.follow_ups[0] in shown_to(luna, abroad)
    # A start forgets the servers that were left; this one was never ours.
    await bot.services.privacy.forget_left([guild.id for guild in bot.guilds], bot.application_id or 0)
    assert await bot.services.ledger.get(job.id) is not None


@pytest.mark.slow
async def test_direct_messages_with_somebody_of_no_common_server_are_answered(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Discord lets the bot write to nobody it shares no server with, but answer whoever brought it along."""
    stranger = Member(server.world, server.world.add_user("stella"))
    assert stranger.commands(stranger.dm) == []
    stranger.install()
    use = await stranger.slash("imagine", FOX, channel=stranger.dm)
    await use.answer()
    job = await only_job()
    await gpu.draw(job)
    assert (await closed(job.id)).outcome is Outcome.DELIVERED
    assert len(use.interaction.follow_ups[0].attachments) == 1


@pytest.mark.slow
async def test_a_server_that_keeps_members_apps_quiet_is_obeyed(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, abroad: Channel, only_job: OnlyJob, closed: Closed
) -> None:
    """What Discord shows to the member alone is private from then on, in words and by its buttons."""
    luna = server.member("luna")
    server.world.overwrite(abroad, luna.user, deny=Permission.USE_EXTERNAL_APPS)
    use = await luna.slash("imagine", FOX, channel=abroad)
    await use.answer()
    job = await only_job()
    assert job.is_private
    await gpu.draw(job)
    done = await closed(job.id)
    assert use.interaction.follow_ups[0].ephemeral
    assert done.outcome is Outcome.DELIVERED


async def test_what_takes_too_long_all_the_same_comes_by_direct_message(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, abroad: Channel, only_job: OnlyJob, closed: Closed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The status says so before it can say nothing more; the message says why it is there, and its buttons work."""
    luna = server.member("luna")
    use = await luna.slash("imagine", FOX, channel=abroad)
    status = await use.answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    monkeypatch.setattr(narration, "now", lambda: now() + timedelta(seconds=TOKEN_S - 30))
    await server.world.hub.until(lambda: status.content == expiring() or None, timeout=60)
    gpu.step(job.id, attempt, 3)
    server.world.clock.advance(TOKEN_S + 1)
    await gpu.finish(job, attempt)
    await gpu.post(job.id)
    (message,) = luna.messages(luna.dm)
    assert (len(message.attachments), message.content.endswith(late())) == (1, True)
    assert status.content == expiring()


@pytest.mark.slow
async def test_where_the_bot_may_not_post_a_private_picture_is_still_possible(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """The refusal names that way, and it works: an answer needs no permission."""
    luna = server.member("luna")
    refused = await (await luna.slash("imagine", FOX, channel="quiet")).answer()
    assert "or draw with private:True for yourself" in refused.content
    use = await luna.slash("imagine", {**FOX, "private": True}, channel="quiet")
    await use.answer()
    job = await only_job()
    await gpu.draw(job)
    await closed(job.id)
    assert use.interaction.follow_ups[0].ephemeral
