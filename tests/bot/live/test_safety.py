"""What a server decides about its pictures, and what becomes of a report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job
from flux2.screening.policy import Policy
from sandbox.guild import Channel, Role
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


async def _overwritten(server: SandboxServer, bot: Flux2Bot, channel: Channel, role: Role, **how: Permission) -> None:
    """Change what a role may do in a channel, and wait until the bot has heard of it."""
    heard = asyncio.create_task(bot.wait_for("guild_channel_update"))
    await asyncio.sleep(0)
    server.world.overwrite(channel, role, **how)
    await asyncio.wait_for(heard, 60)


async def test_a_report_reaches_the_moderators_once(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """With the picture behind a spoiler and a link, without the prompt; a second report by the same member is not."""
    message = await _drawn(server, gpu, only_job, closed)
    max_ = server.member("max")
    told = await (await max_.menu(message, "Report")).answer()
    assert "takes no reports yet" in told.content
    lounge, world, ada = server.world.channel("lounge"), server.world, server.member("ada")
    role = next(role for role in world.guild.roles.values() if role.managed_by == world.bot.id)
    await _overwritten(server, bot, lounge, role, deny=Permission.ATTACH_FILES)
    refused = await (await ada.slash("admin safety set", {"reports_channel": lounge})).answer()
    assert "give me Attach Files there first" in refused.content
    await _overwritten(server, bot, lounge, role, allow=Permission.ATTACH_FILES)
    chosen = await (await ada.slash("admin safety set", {"reports_channel": lounge})).answer()
    assert f"Everybody sees <#{lounge.id}>" in chosen.content
    panel = await (await max_.press(message, "More…")).answer()
    thanks = await (await max_.press(panel, "Report")).follow_up()
    assert thanks.ephemeral
    assert "moderators of this server see it" in thanks.content
    (report,) = server.world.messages(lounge.id)
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
    """A member who sees the report cannot act on it; a moderator without Manage Server can, and it is noted. Who is
    banned gets pictures of former days for herself alone."""
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
    (named,) = (file.filename for file in message.attachments)
    assert (await (await luna.slash("history", {"id": named.split("-")[1]})).answer()).ephemeral


async def test_delete_takes_the_picture_away_and_dismiss_leaves_it(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Dismissing changes nothing but the report; deleting removes the message that was reported, the one whose picture
    it showed again, and the report's copy; whoever drew it gets it shown alone from then on."""
    message = await _drawn(server, gpu, only_job, closed)
    lounge, ada = server.world.channel("lounge"), server.member("ada")
    await (await ada.slash("admin safety set", {"reports_channel": lounge})).answer()
    report = await _reported(server, message)
    await ada.press(report, "Dismiss")
    await server.world.wait_for(lambda one: one.id == report.id and "**Dismissed**" in one.content)
    assert not message.deleted
    luna = server.member("luna")
    (named,) = (file.filename for file in message.attachments)
    again = await (await luna.slash("history", {"id": named.split("-")[1]})).answer()
    assert (await (await luna.menu(again, "Report")).answer()).ephemeral
    second = server.world.messages(lounge.id)[-1]
    await ada.press(second, "Delete")
    judged = await server.world.wait_for(lambda one: one.id == second.id and "**Deleted**" in one.content)
    assert judged.attachments == []
    assert (again.deleted, message.deleted) == (True, True)
    alone = await (await luna.slash("history", {"id": named.split("-")[1]})).answer()
    assert alone.ephemeral
    panel = await (await luna.press(alone, "More…")).answer()
    assert "took this picture away" in (await (await luna.press(panel, "Branch")).follow_up()).content
    deeds = [deed.action for deed in await bot.services.ledger.governance.deeds(0)]
    assert deeds == ["report delete", "report", "report dismiss", "report", "safety set"]


async def test_who_forgets_a_picture_does_not_take_it_out_of_moderators_reach(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """Reported before or after its recipe is forgotten, it can be deleted and its requester banned; whose it was stands
    in the requester's own copy of the log."""
    message = await _drawn(server, gpu, only_job, closed)
    lounge, luna, ada, world = server.world.channel("lounge"), server.member("luna"), server.member("ada"), server.world
    await (await ada.slash("admin safety set", {"reports_channel": lounge})).answer()
    report = await _reported(server, message)
    await bot.services.privacy.forget_member(luna.id)
    assert (await (await luna.menu(message, "Report")).answer()).ephemeral
    later = world.messages(lounge.id)[-1]
    assert f"reports a picture of <@{luna.id}>" in later.content
    await ada.press(report, "Ban")
    judged = await world.wait_for(lambda one: one.id == report.id and one.labels() == [])
    assert f"<@{luna.id}> is banned from drawing" in judged.content
    await ada.press(later, "Delete")
    await world.wait_for(lambda one: one.id == later.id and "**Deleted**" in one.content)
    assert message.deleted
    kept = await bot.services.ledger.forgetting.dossier(luna.id)
    assert [row["action"] for row in kept["audit"]] == [
        "report",
        "report",
        "ban",
    ]
    shown = await (await ada.slash("admin audit search", {"action": "report"})).answer()
    assert f"member <@{luna.id}>" in shown.content


async def test_a_servers_pictures_are_hidden_and_kept_to_age_restricted_channels(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """With both set, nothing is drawn in an ordinary channel, and what is drawn elsewhere lies behind a click; so does
    what was drawn before and is posted again, for its member alone in an ordinary channel and under newer words."""
    ada, luna, world = server.member("ada"), server.member("luna"), server.world
    (earlier,) = (file.filename for file in (await _drawn(server, gpu, only_job, closed)).attachments)
    assert earlier.startswith("flux2-")
    await (await ada.slash("admin safety set", {"spoiler": True, "age_restricted_only": True})).answer()
    refused = await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    assert refused.ephemeral
    assert "age-restricted channels only" in refused.content
    world.channel("pictures").nsfw = True
    world.publish("CHANNEL_UPDATE", world.channel("pictures"))
    message = await _drawn(server, gpu, only_job, closed)
    assert [file.filename[:14] for file in message.attachments] == ["SPOILER_flux2-"]
    asked = {"id": earlier.split("-")[1]}
    again = await (await luna.slash("history", asked)).answer()
    assert (again.ephemeral, again.attachments[0].filename) == (False, f"SPOILER_{earlier}")
    assert (await (await luna.slash("history", asked, channel="lounge")).answer()).ephemeral
    await (await ada.slash("admin safety set", {"denied_words": "owl"})).answer()
    alone = await (await luna.slash("history", asked)).answer()
    assert alone.ephemeral
    panel = await (await luna.press(alone, "More…")).answer()
    assert "where less is refused" in (await (await luna.press(panel, "Branch")).follow_up()).content


async def test_what_the_rules_refuse_is_refused_before_it_costs_anything(
    server: SandboxServer, bot: Flux2Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator's words and the channel's: one ephemeral sentence, no job, no quota used, no prompt in the log."""
    ada, luna, pictures = server.member("ada"), server.member("luna"), server.world.channel("pictures")
    caplog.set_level("INFO")
    told = await (
        await ada.slash("admin safety set", {"denied_words": "Spider, giant moth", "channel": pictures})
    ).answer()
    assert "denied words spider, giant moth" in told.content
    for prompt, named in (("a sp1der marzipan", "“spider”"), ("marzipan hentai", "“hentai”")):
        refused = await (await luna.slash("imagine", {"prompt": prompt})).follow_up()
        assert refused.ephemeral
        assert refused.content == (
            f"I do not draw this: the prompt was refused because {named} is not allowed here; word it differently."
        )
    assert await bot.services.ledger.open_jobs() == []
    assert await bot.services.ledger.governance.heaviest(server.world.guild.id) == []
    assert "refused by the rules" in caplog.text
    assert "marzipan" not in caplog.text


async def test_a_servers_policy_reaches_the_worker_and_its_pictures(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """It travels with the job; a result marked by its score is posted, and posted again, behind a click."""
    ada, luna = server.member("ada"), server.member("luna")
    gpu.beat(screens=("rules", "classifier"))
    asked = await (await ada.slash("admin safety set", {"question": True})).answer()
    assert "every picture would be refused" in asked.content
    await (await ada.slash("admin safety set", {"image_threshold": 0.6, "spoiler_threshold": 0.2})).answer()
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    job = await only_job()
    attempt = await gpu.begin(job.id)
    sent = await asyncio.to_thread(gpu.fence.job, job.id)
    assert sent.policy == Policy(refuse_above=0.6, hide_above=0.2)
    assert await gpu.finish(job, attempt, spoiler=True)
    await gpu.post(job.id)
    done = await closed(job.id)
    message = server.world.message(done.result_message_id)
    assert message is not None
    assert [file.filename for file in message.attachments] == [f"SPOILER_flux2-{job.id}-1.png"]
    again = await (await luna.slash("history", {"id": job.id})).answer()
    assert [file.filename[:8] for file in again.attachments] == ["SPOILER_"]
    shown = await (await ada.slash("admin safety show")).answer()
    assert "every worker screens by: classifier, rules\nthis server: image threshold 0.6" in shown.content
    question = await (await ada.slash("admin safety clear")).answer()
    gone = await (await ada.press(question, "Forget")).answer()
    assert gone.content.startswith("Removed; it was: image threshold 0.6")
