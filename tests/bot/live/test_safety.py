"""What a server decides about its pictures, and what becomes of a report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]


async def _drawn(server: SandboxServer, gpu: Gpu, only_job: OnlyJob, closed: Closed) -> Message:
    """A picture of luna's, in its thread."""
    await (await server.member("luna").slash("imagine", {"prompt": "a fox"})).answer()
    job = await only_job()
    await gpu.draw(job)
    done = await closed(job.id)
    assert done.result_message_id is not None
    message = server.world.message(done.result_message_id)
    assert message is not None
    return message


async def _reported(server: SandboxServer, message: Message) -> Message:
    """Max reports it; returns what the moderators see."""
    lounge = server.world.channel("lounge")
    answer = await (await server.member("max").menu(message, "Report")).answer()
    assert answer.ephemeral
    assert "moderators of this server see it" in answer.content
    (report,) = server.world.messages(lounge.id)
    return report


async def test_a_report_reaches_the_moderators_once(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """With the picture behind a spoiler and a link, without the prompt; a second report by the same member is not."""
    message = await _drawn(server, gpu, only_job, closed)
    max_ = server.member("max")
    told = await (await max_.menu(message, "Report")).answer()
    assert "takes no reports yet" in told.content
    lounge = server.world.channel("lounge")
    await (await server.member("ada").slash("admin safety set", {"reports_channel": lounge})).answer()
    report = await _reported(server, message)
    assert report.labels() == ["Delete", "Ban", "Dismiss"]
    assert all(file.filename.startswith("SPOILER_") for file in report.attachments)
    assert str(message.id) in report.content
    assert "fox" not in report.content
    again = await (await max_.menu(message, "Report")).answer()
    assert "reported this picture already" in again.content
    foreign = await max_.say("look at this")
    refused = await (await max_.menu(foreign, "Report")).answer()
    assert "reports of my own pictures" in refused.content


async def test_moderators_judge_and_others_do_not(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """A member who sees the report cannot act on it; a moderator without Manage Server can, and it is noted."""
    message = await _drawn(server, gpu, only_job, closed)
    lounge, world = server.world.channel("lounge"), server.world
    await (await server.member("ada").slash("admin safety set", {"reports_channel": lounge})).answer()
    report = await _reported(server, message)
    refused = await (await server.member("max").press(report, "Ban")).answer()
    assert refused.content.startswith("This needs the Manage Messages permission")
    moderators = world.add_role(world.guild, "Moderators", Permission.MANAGE_MESSAGES)
    world.join(world.guild, world.add_user("mo"), moderators)
    await server.member("mo").press(report, "Ban")
    judged = await world.wait_for(lambda one: one.id == report.id and one.labels() == [])
    assert f"**Banned** by <@{server.member('mo').id}>" in judged.content
    luna = server.member("luna")
    banned = await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    assert banned.content.startswith("You are banned from drawing on this server: a reported picture")
    assert not message.deleted


async def test_delete_takes_the_picture_away_and_dismiss_leaves_it(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Dismissing changes nothing but the report; deleting removes the message and the report's copy."""
    message = await _drawn(server, gpu, only_job, closed)
    lounge, ada = server.world.channel("lounge"), server.member("ada")
    await (await ada.slash("admin safety set", {"reports_channel": lounge})).answer()
    report = await _reported(server, message)
    await ada.press(report, "Dismiss")
    await server.world.wait_for(lambda one: one.id == report.id and "**Dismissed**" in one.content)
    assert not message.deleted
    luna = await (await server.member("luna").menu(message, "Report")).answer()
    assert luna.ephemeral
    second = server.world.messages(lounge.id)[-1]
    await ada.press(second, "Delete")
    judged = await server.world.wait_for(lambda one: one.id == second.id and "**Deleted**" in one.content)
    assert judged.attachments == []
    assert message.deleted
    deeds = [deed.action for deed in await bot.services.ledger.governance.deeds(0)]
    assert deeds == ["report delete", "report", "report dismiss", "report", "safety set"]


async def test_a_servers_pictures_are_hidden_and_kept_to_age_restricted_channels(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """With both set, nothing is drawn in an ordinary channel, and what is drawn elsewhere lies behind a click."""
    ada, luna, world = server.member("ada"), server.member("luna"), server.world
    await (await ada.slash("admin safety set", {"spoiler": True, "age_restricted_only": True})).answer()
    refused = await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    assert refused.ephemeral
    assert "age-restricted channels only" in refused.content
    world.channel("pictures").nsfw = True
    world.publish("CHANNEL_UPDATE", world.channel("pictures"))
    message = await _drawn(server, gpu, only_job, closed)
    assert [file.filename[:14] for file in message.attachments] == ["SPOILER_flux2-"]
