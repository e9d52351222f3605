"""/admin as admins, members and the operator use it: what it does, who may, what the audit log keeps."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from bot.client import Flux2Bot
from bot.ledger.job import Job, Outcome
from config.settings import BotSettings
from sandbox.member import Member
from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.server import SandboxServer
from worker.contract import Control

Gpu = Any
Closed = Callable[[str], Awaitable[Job]]
Start = Callable[[BotSettings], AbstractAsyncContextManager[Flux2Bot]]


async def say(member: Member, command: str, options: dict[str, Any] | None = None, **where: Any) -> Message:
    """Use a command and return its answer, which only the member sees."""
    answer = await (await member.slash(command, options, **where)).answer()
    assert answer.ephemeral
    return answer


async def text(member: Member, command: str, options: dict[str, Any] | None = None, **where: Any) -> str:
    """The words of an answer."""
    return (await say(member, command, options, **where)).content


async def confirm(server: SandboxServer, member: Member, question: Message, label: str) -> str:
    """Press a button of a question and return what the message says then."""
    await member.press(question, label)
    after = await server.world.wait_for(lambda message: message.id == question.id and message.labels() == [])
    return after.content


async def deeds(bot: Flux2Bot) -> list[tuple[str, str]]:
    """Actions and targets in the audit log, oldest first."""
    return [(deed.action, deed.target) for deed in reversed(await bot.services.ledger.governance.deeds(0))]


async def test_status_tells_of_queue_and_workers(server: SandboxServer, bot: Flux2Bot) -> None:
    """One look shows what waits, who works and whether things are paused."""
    ada = server.member("ada")
    await say(ada, "admin pause", {"reason": "new GPU"})
    await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    shown = await text(ada, "admin status")
    for words in ("new GPU", "**sample**: 1 waiting", "`gpu-1` gpu · idle · sample"):
        assert words in shown


async def test_a_pause_is_seen_by_waiting_members_and_a_drain_by_new_ones(server: SandboxServer, bot: Flux2Bot) -> None:
    """The reason of a pause stands on the status message; while draining nothing is accepted; resume ends both."""
    ada, luna = server.member("ada"), server.member("luna")
    assert "Nothing was paused" in await text(ada, "admin resume")
    await say(ada, "admin pause", {"reason": "a new GPU"})
    assert "paused: a new GPU" in (await (await luna.slash("imagine", {"prompt": "a fox"})).answer()).content
    assert "Still to be finished: 1 open job." in await text(ada, "admin drain", {"reason": "an update"})
    assert "no new pictures just now (an update)" in await text(luna, "imagine", {"prompt": "a fox"})
    assert await text(ada, "admin resume") == "Resumed."
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    assert len(await bot.services.ledger.open_jobs()) == 2
    assert await deeds(bot) == [("pause", ""), ("drain", ""), ("resume", "")]


async def test_an_admin_cancels_one_at_once_and_all_after_being_asked(
    server: SandboxServer, bot: Flux2Bot, closed: Closed
) -> None:
    """A single job goes by its id; all of a member's only once the question was answered with yes."""
    ada, luna = server.member("ada"), server.member("luna")
    for prompt in ("one", "two", "three"):
        await (await luna.slash("imagine", {"prompt": prompt})).answer()
    jobs = await bot.services.ledger.open_jobs()
    await say(ada, "admin cancel", {"job": jobs[0].id})
    assert (await closed(jobs[0].id)).outcome is Outcome.CANCELLED
    question = await say(ada, "admin queue cancel", {"member": luna.user})
    assert question.labels() == ["Cancel all", "Leave it"]
    assert await confirm(server, ada, question, "Leave it") == "Nothing was changed."
    assert len(await bot.services.ledger.open_jobs()) == 2
    question = await say(ada, "admin cancel", {"member": luna.user})
    assert (await confirm(server, ada, question, "Cancel all")).startswith("Cancelled 2 of 2 ")
    assert await bot.services.ledger.open_jobs() == []
    assert [action for action, _ in await deeds(bot)] == ["cancel"] * 3
    assert "no such job" in await text(ada, "admin cancel", {"job": "f" * 16})
    assert await text(ada, "admin cancel") == "Give either a job id or a member."


async def test_a_question_is_answered_once_and_not_after_a_restart(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """What a process asked it forgets with its end; the button then says to use the command again."""
    ada, luna = server.member("ada"), server.member("luna")
    async with start(settings):
        question = await say(ada, "admin quota reset", {"member": luna.user})
    async with start(settings) as bot:
        told = await (await ada.press(question, "Forget it")).answer()
        assert told.content == "This is too old for me; use the command again."
        assert await deeds(bot) == []


async def test_the_queue_is_listed_in_pages_and_moved(server: SandboxServer, bot: Flux2Bot) -> None:
    """A list longer than a message has buttons to turn its pages; a job waits with the priority it was given."""
    ada, luna, max_ = server.member("ada"), server.member("luna"), server.member("max")
    await say(ada, "admin pause")
    for member in (luna, max_):
        for number in range(10):
            await (await member.slash("imagine", {"prompt": f"fox {number}"})).answer()
    first, *_ = await bot.services.ledger.open_jobs()
    offered = await ada.autocomplete("admin queue move", "job", first.id[:4])
    assert offered[0]["value"] == first.id
    assert offered[0]["name"] == f"{first.id} · sample · waiting · asked 0 minutes ago"
    assert len(await ada.autocomplete("admin cancel", "job", "")) == 20
    assert "with high priority" in await text(ada, "admin queue move", {"job": first.id, "priority": "high"})
    listed = await say(ada, "admin queue list")
    assert listed.content.startswith("**20 open jobs** · page 1 of 2\n")
    assert listed.content.splitlines()[1].endswith("· high")
    await ada.press(listed, "Next")
    await server.world.wait_for(lambda message: message.id == listed.id and "page 2 of 2" in message.content)
    moved = await bot.services.ledger.get(first.id)
    assert moved is not None
    assert moved.priority == 1


async def test_bans_keep_from_drawing_and_from_nothing_else(server: SandboxServer, bot: Flux2Bot) -> None:
    """A banned member reads why on every way to a picture, can still see his jobs, and draws again after unban."""
    ada, luna = server.member("ada"), server.member("luna")
    assert "Nobody is banned" in await text(ada, "admin ban")
    told = await text(ada, "admin ban", {"member": luna.user, "reason": "spam", "lasts": "7d"})
    assert f"<@{luna.id}> is banned from drawing until <t:" in told
    assert "spam" in await text(ada, "admin ban")
    refused = await text(luna, "imagine", {"prompt": "a fox"})
    assert refused.startswith("You are banned from drawing on this server: spam; it ends <t:")
    assert "no pictures" in await text(luna, "jobs")
    assert "write it as 30m" in await text(ada, "admin ban", {"member": luna.user, "lasts": "soon"})
    assert "cannot ban yourself" in await text(ada, "admin ban", {"member": ada.user})
    assert "may draw again" in await text(ada, "admin unban", {"member": luna.user})
    assert "is not banned here" in await text(ada, "admin unban", {"member": luna.user})
    assert not (await (await luna.slash("imagine", {"prompt": "a fox"})).answer()).ephemeral
    assert await deeds(bot) == [("ban", str(luna.id)), ("unban", str(luna.id))]


async def test_what_a_banned_member_has_open_is_cancelled_by_one_press(server: SandboxServer, bot: Flux2Bot) -> None:
    """The answer to a ban offers it where there is anything; leaving it leaves the ban."""
    ada, luna = server.member("ada"), server.member("luna")
    assert (await say(ada, "admin ban", {"member": server.member("max").user})).labels() == []
    for prompt in ("one", "two"):
        await (await luna.slash("imagine", {"prompt": prompt})).answer()
    done = await say(ada, "admin ban", {"member": luna.user})
    assert "2 pictures of theirs are still open" in done.content
    assert "is banned" in await confirm(server, ada, done, "Leave it")
    assert len(await bot.services.ledger.open_jobs()) == 2
    done = await say(ada, "admin ban", {"member": luna.user})
    assert (await confirm(server, ada, done, "Cancel all")).startswith("Cancelled 2 of 2 ")
    assert await bot.services.ledger.open_jobs() == []


async def test_a_ban_from_everywhere_is_the_operators(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """It holds on every server and in direct messages, and no server's admin sets or ends it."""
    world, ada, luna = server.world, server.member("ada"), server.member("luna")
    owner = server.member("sandbox-owner")
    elsewhere = world.add_guild("Elsewhere")
    world.join(elsewhere, owner.user)
    room = world.add_channel("room", guild=elsewhere)
    async with start(settings):
        every = {"member": luna.user, "everywhere": True}
        for command in world.commands.offered(None):
            command.payload["default_member_permissions"] = None
        assert "shared by several servers" in await text(ada, "admin ban", every)
        said = await text(owner, "admin ban", {**every, "reason": "spam"}, channel=room)
        assert said.startswith(f"<@{luna.id}> is banned from drawing on every server until")
        for where in (world.channel("pictures"), luna.dm):
            refused = await (await luna.slash("imagine", {"prompt": "a fox"}, channel=where)).answer()
            assert refused.content.startswith("You are banned from this bot: spam")
            assert "Ask whoever runs it" in refused.content
        assert "only whoever runs this bot can end" in await text(ada, "admin unban", {"member": luna.user})
        assert "Nobody is banned" in await text(ada, "admin ban")
        assert "Banned on every server" in await text(owner, "admin ban", {"everywhere": True}, channel=room)
        assert "may draw again" in await text(owner, "admin unban", every, channel=room)


async def test_a_banned_member_cannot_press_again(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: Callable[[], Awaitable[Job]], closed: Closed
) -> None:
    """Buttons under old pictures are a way to draw like any other."""
    ada, luna = server.member("ada"), server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    job = await only_job()
    await gpu.draw(job)
    done = await closed(job.id)
    assert done.result_message_id is not None
    await say(ada, "admin ban", {"member": luna.user})
    message = server.world.message(done.result_message_id)
    assert message is not None
    told = await (await luna.press(message, "Again")).follow_up()
    assert told.content.startswith("You are banned")
    assert await bot.services.ledger.open_jobs() == []


async def test_role_quotas_are_told_when_refused_and_before(server: SandboxServer, bot: Flux2Bot) -> None:
    """The second picture of a quota of one is refused with figure and time; /jobs says what is left; reset frees."""
    ada, luna = server.member("ada"), server.member("luna")
    everyone = server.world.guild.roles[server.world.guild.id]
    told = await text(ada, "admin roles set", {"role": everyone, "pictures_per_day": 1, "steps": 4})
    assert told == "Set for everyone: steps 4 · pictures per day 1."
    assert "Left for today: 1 of 1 pictures" in await text(luna, "jobs")
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    refused = await text(luna, "imagine", {"prompt": "a fox"})
    assert refused.startswith("You have used 1 of 1 pictures for today; it frees up <t:")
    assert f"<@{luna.id}> · 1 picture · " in await text(ada, "admin quota show")
    assert "1 picture · " in await text(ada, "admin quota show", {"member": luna.user})
    question = await say(ada, "admin quota reset", {"member": luna.user})
    assert "Forgot 1 picture and " in await confirm(server, ada, question, "Forget it")
    assert not (await (await luna.slash("imagine", {"prompt": "a fox"})).answer()).ephemeral
    told = await text(ada, "admin quota set", {"member": luna.user, "pictures": 5})
    assert told == f"Set own quota: 5 pictures a day for <@{luna.id}>."
    assert not (await (await luna.slash("imagine", {"prompt": "a fox"})).answer()).ephemeral
    assert "pictures per day 1" in await text(ada, "admin roles list")
    unserved = await text(ada, "admin roles set", {"role": everyone, "models": "sampel"})
    assert "No worker serves sampel now" in unserved
    kept = await text(ada, "admin roles set", {"role": everyone, "forget": "models"})
    assert kept == "Set for everyone: steps 4 · pictures per day 1."
    question = await say(ada, "admin roles clear", {"role": everyone})
    assert "Removed the rule for everyone" in await confirm(server, ada, question, "Remove")
    assert "no rules yet" in await text(ada, "admin roles list")
    done = [action for action, _ in await deeds(bot)]
    assert done == ["roles set", "quota reset", "quota set", *["roles set"] * 2, "roles clear"]


async def test_channels_close_and_choose_threads(server: SandboxServer, bot: Flux2Bot) -> None:
    """One allowed channel closes the others; `here` opens no thread; `always` refuses where none can be opened."""
    ada, luna, world = server.member("ada"), server.member("luna"), server.world
    pictures, lounge = world.channel("pictures"), world.channel("lounge")
    await say(ada, "admin channels set", {"channel": pictures, "access": "allow", "threads": "here"})
    assert "not drawn in this channel" in await text(luna, "imagine", {"prompt": "a fox"}, channel="lounge")
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    assert world.threads(pictures.id) == []
    role = next(role for role in world.guild.roles.values() if role.managed_by == world.bot.id)
    world.overwrite(lounge, role, deny=Permission.CREATE_PUBLIC_THREADS)
    await say(ada, "admin channels set", {"channel": lounge, "access": "allow", "threads": "always"})
    assert "Create Public Threads" in await text(luna, "imagine", {"prompt": "a fox"}, channel="lounge")
    assert len(await bot.services.ledger.open_jobs()) == 1
    assert f"<#{lounge.id}>: " in await text(ada, "admin channels list")
    question = await say(ada, "admin channels clear", {"channel": lounge})
    await confirm(server, ada, question, "Remove")
    assert "not drawn in this channel" in await text(luna, "imagine", {"prompt": "a fox"}, channel="lounge")


async def test_servers_and_channels_have_usual_options(server: SandboxServer, bot: Flux2Bot) -> None:
    """A channel's go before the server's, a member's own before both, what is typed before all."""
    ada, luna, lounge = server.member("ada"), server.member("luna"), server.world.channel("lounge")
    refused = await text(ada, "admin channels defaults", {"size": "9x9"})
    assert "9x9" in refused
    await say(ada, "admin channels defaults", {"aspect": "16:9", "format": "png"})
    said = await text(ada, "admin channels defaults", {"channel": lounge, "format": "jpeg"})
    assert said == f"Set for <#{lounge.id}>: default format jpeg."

    async def drawn(channel: str, **options: str) -> tuple[bool, str]:
        await (await luna.slash("imagine", {"prompt": "a fox", **options}, channel=channel)).answer()
        *_, job = await bot.services.ledger.open_jobs()
        return job.request.width > job.request.height, job.request.output_format

    assert await drawn("pictures") == (True, "png")
    assert await drawn("lounge") == (True, "jpeg")
    assert await drawn("lounge", aspect="1:1") == (False, "jpeg")
    await (await luna.slash("settings", {"format": "webp"})).answer()
    assert await drawn("lounge", aspect="9:16") == (False, "webp")
    await say(ada, "admin channels defaults", {"reset": True})
    assert await drawn("pictures") == (False, "webp")
    assert ("channels defaults", "guild") in await deeds(bot)


async def test_limits_of_server_and_channel_hold(server: SandboxServer, bot: Flux2Bot) -> None:
    """A job beyond a limit is refused with both figures, whichever way it came; what is left out is within it."""
    ada, luna = server.member("ada"), server.member("luna")
    assert "name at least one option" in await text(ada, "admin limits set")
    await say(ada, "admin limits set", {"count": 2})
    refused = await text(luna, "imagine", {"prompt": "a fox", "count": 3})
    assert refused.startswith("This server allows at most 2 pictures at a time, and this has 3")
    await say(ada, "admin limits set", {"count": 1, "channel": server.world.channel("pictures")})
    assert (await text(luna, "imagine", {"prompt": "a fox", "count": 2})).startswith("This channel allows at most 1")
    assert await bot.services.ledger.open_jobs() == []
    await say(ada, "admin limits set", {"steps": 3})
    await (await luna.slash("imagine", {"prompt": "a fox"})).answer()
    (job,) = await bot.services.ledger.open_jobs()
    assert job.request.num_inference_steps == 3
    assert "count 2" in await text(ada, "admin limits show")
    question = await say(ada, "admin limits clear")
    assert "it was: steps 3 · count 2" in await confirm(server, ada, question, "Remove")


async def test_models_are_switched_off_and_on(server: SandboxServer, bot: Flux2Bot) -> None:
    """Nobody draws with a disabled model, and a name that nobody serves is told; a default must be served."""
    ada, luna = server.member("ada"), server.member("luna")
    await say(ada, "admin model disable", {"model": "sample"})
    assert "may not draw with sample" in await text(luna, "imagine", {"prompt": "a fox"})
    assert "**sample** · 1 GPU · disabled" in await text(ada, "admin model list")
    await say(ada, "admin model enable", {"model": "sample"})
    assert "No worker serves it now" in await text(ada, "admin model enable", {"model": "sampel"})
    assert "served are: sample" in await text(ada, "admin model default", {"model": "dev"})
    await say(ada, "admin model default", {"model": "sample"})
    assert "default" in await text(ada, "admin model list")
    assert not (await (await luna.slash("imagine", {"prompt": "a fox"})).answer()).ephemeral
    assert [action for action, _ in await deeds(bot)] == ["model disable", "model enable", "model default"]


async def test_workers_are_asked_by_name(server: SandboxServer, bot: Flux2Bot, gpu: Gpu) -> None:
    """What is asked of a worker lies in Redis under its name; an unknown name is answered with those there are."""
    ada, fleet = server.member("ada"), bot.services.fleet
    assert "`gpu-1` gpu · idle" in await text(ada, "admin workers list")
    assert "running are: `gpu-1`" in await text(ada, "admin workers drain", {"worker": "gpu-9"})
    assert "takes no other" in await text(ada, "admin workers drain", {"worker": "gpu-1"})
    assert "draining already" in await text(ada, "admin workers drain", {"worker": "gpu-1"})
    assert await fleet.control("gpu-1") == Control(drains=True)
    await say(ada, "admin workers resume", {"worker": "gpu-1"})
    question = await say(ada, "admin workers restart", {"worker": "gpu-1"})
    await confirm(server, ada, question, "Restart")
    assert await fleet.control("gpu-1") == Control(drains=False, restarts=1)
    assert await deeds(bot) == [(f"worker {word}", "gpu-1") for word in ("drain", "resume", "restart")]
    assert [one["name"] for one in await ada.autocomplete("admin workers drain", "worker", "gpu")] == ["gpu-1"]


async def test_the_audit_log_is_searched_and_taken_away(server: SandboxServer, bot: Flux2Bot) -> None:
    """Who, what, when and the change; by member and action; as JSON lines, whose export is a deed too."""
    ada, luna = server.member("ada"), server.member("luna")
    await say(ada, "admin limits set", {"steps": 20})
    await say(ada, "admin ban", {"member": luna.user, "reason": "spam"})
    shown = await text(ada, "admin audit search")
    assert f"<@{ada.id}> **ban** <@{luna.id}>: – → reason spam" in shown
    assert "**limits set** this server: – → steps 20" in shown
    assert "limits" not in await text(ada, "admin audit search", {"action": "ban"})
    assert "Nothing like that" in await text(ada, "admin audit search", {"member": luna.user})
    assert [one["value"] for one in await ada.autocomplete("admin audit search", "action", "l")] == ["limits set"]
    about = await text(ada, "admin audit search", {"about": luna.user})
    assert ("**ban**" in about, "limits" in about) == (True, False)
    exported = await say(ada, "admin audit export")
    rows = [json.loads(line) for line in (await server.read(exported.attachments[0])).splitlines()]
    assert [row["action"] for row in rows] == ["ban", "limits set"]
    assert rows[1]["after"] == {"steps": 20}
    assert (await deeds(bot))[-1] == ("audit export", "")


async def test_without_redis_admins_read_what_is_known(
    server: SandboxServer, bot: Flux2Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is in the ledger; what only Redis knows is said to be away, and nothing is half done."""
    ada = server.member("ada")
    await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    async with Redis.from_url("redis://127.0.0.1:1/0", retry=Retry(NoBackoff(), 0)) as nobody:
        monkeypatch.setattr(bot.services.fleet, "_redis", nobody)
        shown = await text(ada, "admin status")
        assert ("**sample**: 1 " in shown, "nothing is known of the workers" in shown) == (True, True)
        assert "so this was not done" in (await (await ada.slash("admin workers list")).follow_up()).content
        assert (
            "so this was not done"
            in (await (await ada.slash("admin model disable", {"model": "sample"})).follow_up()).content
        )
        assert await deeds(bot) == []


async def test_an_admin_of_one_of_several_servers_reads_of_no_host(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start
) -> None:
    """What waits and how it goes is everybody's; the names of the machines are the operator's."""
    server.world.add_guild("Elsewhere")
    async with start(settings):
        ada = server.member("ada")
        assert "nobody is waiting" in await text(ada, "admin status")
        await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
        shown = await text(ada, "admin status")
        assert ("**sample**" in shown, "gpu-1" in shown) == (True, False)


@pytest.mark.parametrize("command", ["admin pause", "admin drain", "admin resume", "admin workers list"])
async def test_only_the_operator_touches_what_every_server_shares(
    server: SandboxServer, settings: BotSettings, gpu: Gpu, start: Start, command: str
) -> None:
    """With several servers an admin of one cannot stop or look into what serves the others."""
    server.world.add_guild("Elsewhere")
    async with start(settings) as bot:
        assert "shared by several servers" in await text(server.member("ada"), command)
        assert await bot.services.ledger.paused() is None
        assert await deeds(bot) == []
