"""/preset and /settings as members use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Say = Callable[..., Awaitable[Message]]


@pytest.fixture
def say(server: SandboxServer, bot: Flux2Bot) -> Say:
    """A member uses a command; the answer comes back."""

    async def use(command: str, member: str = "luna", **options: Any) -> Message:
        return await (await server.member(member).slash(command, options)).answer()

    return use


async def test_a_preset_is_saved_shared_used_and_deleted(server: SandboxServer, say: Say, only_job: OnlyJob) -> None:
    """Its words go around the prompt and its options fill what is left out; another member can use it once shared."""
    saved = await say("preset save", name="noir", suffix="in black and white", aspect="16:9", format="png")
    assert saved.ephemeral
    assert saved.content.startswith("Kept `noir`: aspect 16:9, format png, “… in black and white”. Use it with ")
    unknown = await say("preset use", "max", name="noir", prompt="a fox")
    assert unknown.ephemeral
    assert unknown.content == "There is no preset “noir”; /preset list shows what there is."
    assert (await say("preset share", name="noir")).content == "`noir` can be used by everybody on this server."
    assert "by <@" in (await say("preset list", "max")).content
    await say("preset use", "max", name="noir", prompt="a fox", seed=7)
    request = (await only_job()).request
    assert (request.prompt, request.seed, request.output_format) == ("a fox in black and white", 7, "png")
    assert request.width > request.height
    assert (await say("preset delete", name="noir")).content == "Deleted `noir`."
    assert "no preset" in (await say("preset delete", name="noir")).content


async def test_a_name_in_a_prompt_brings_its_pictures(
    server: SandboxServer, say: Say, only_job: OnlyJob, picture: Callable[..., Upload]
) -> None:
    """@luna is called by her number among the references, and the member is told."""
    await say("preset save", name="luna", image1=picture())
    await say("imagine", prompt="@luna next to a tree", image1=picture(width=96))
    job = await only_job()
    assert job.request.prompt == "image 2 next to a tree"
    assert [one.width for one in job.request.reference_images] == [96, 64]
    assert "@luna is image 2." in job.notes


async def test_a_name_brings_its_pictures_wherever_words_are_asked_for(
    server: SandboxServer, bot: Flux2Bot, say: Say, gpu: Gpu, only_job: OnlyJob, closed: Closed, drawn: Any,
    picture: Callable[..., Upload],
) -> None:  # fmt: skip
    """In a reply, in both fields of Edit and in Remix; members read the name, also after Again."""
    luna = server.member("luna")
    await say("preset save", name="luna", image1=picture(width=96))
    _, shown = await drawn(size="128x128")

    async def taken() -> tuple[Job, str]:
        status = await server.world.wait_for(lambda m: "Cancel" in m.labels())
        job = await only_job()
        await gpu.draw(job)
        return await closed(job.id), status.content.splitlines()[0].replace("\u200b", "")

    await luna.reply(shown, "@luna beside the fox")
    reply, title = await taken()
    assert (reply.request.prompt, title) == ("image 2 beside the fox", "“@luna beside the fox”")
    assert [one.width for one in reply.request.reference_images] == [128, 96]
    posted = server.world.message(reply.result_message_id or 0)
    assert posted is not None
    await luna.press(posted, "Again")
    again, title = await taken()
    assert (again.request.prompt, title) == ("image 2 beside the fox", "“@luna beside the fox”")
    form = (await luna.press(shown, "Edit")).modal
    await luna.submit(form, {"Only change this (edits the picture)": "add @luna"})
    assert (await taken())[0].request.prompt == "add image 2"
    form = (await luna.press(shown, "Edit")).modal
    await luna.submit(form, {"prompt": "@luna in a boat"})
    assert (await taken())[0].request.prompt == "image 1 in a boat"
    form = (await luna.press(await (await luna.press(shown, "More…")).answer(), "Remix")).modal
    await luna.submit(form, {"prompt": "@luna on a pier", "seed": "5"})
    remixed, title = await taken()
    assert (remixed.request.prompt, remixed.request.seed) == ("image 1 on a pier", 5)
    assert title == "“@luna on a pier”"
    assert "see it" in (await say("history", words="@luna pier")).content


async def test_an_impossible_preset_is_not_kept(server: SandboxServer, say: Say) -> None:
    """Options are checked when they are kept, not when somebody waits for a picture."""
    for options, words in (
        ({"name": "Two Words"}, "cannot be a name"),
        ({"name": "big", "size": "9999x9999"}, "9999"),
        ({"name": "odd", "model": "nonsense"}, "is not running here"),
        ({"name": "void"}, "give at least one of them"),
    ):
        answer = await say("preset save", **options)
        assert answer.ephemeral
        assert words in answer.content
    assert (await say("preset list")).content == "There are no presets yet; keep one with /preset save."


async def test_preferences_fill_what_is_left_out(server: SandboxServer, say: Say, only_job: OnlyJob) -> None:
    """/settings are the member's own, yield to an option, and are forgotten on demand."""
    assert "nothing in particular" in (await say("settings")).content
    shown = await say("settings", aspect="16:9", format="jpeg", style="analogue")
    assert shown.ephemeral
    assert "you get style analogue, aspect 16:9, format jpeg" in shown.content
    assert "style analogue, size 128x96, format jpeg" in (await say("settings", size="128x96")).content
    assert "style analogue, aspect 16:9, format jpeg" in (await say("settings", aspect="16:9")).content
    await say("imagine", prompt="a fox", format="png")
    request = (await only_job()).request
    assert (request.width > request.height, request.output_format) == (True, "png")
    assert "35mm film" in request.prompt
    assert "nothing in particular" in (await say("settings", reset=True)).content


async def test_a_bell_rings_by_direct_message_for_those_who_asked(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, say: Say, only_job: OnlyJob, closed: Closed
) -> None:
    """A link to the posted picture comes by direct message; nobody else hears anything."""
    assert "a direct message when a picture is there" in (await say("settings", dm=True)).content
    members = [server.member(name) for name in ("max", "luna")]
    for member in members:
        await say("imagine", str(member.user.name), prompt="a fox")
        job = await only_job()
        await gpu.draw(job)
        done = await closed(job.id)
    luna = members[1]
    rung = await server.world.wait_for(lambda m: m.channel_id == luna.dm.id)
    assert rung.content.endswith(f"/{done.guild_id}/{done.result_channel_id}/{done.result_message_id}")
    assert members[0].messages(members[0].dm) == []


async def test_a_preference_that_does_not_fit_is_left_out_and_said(
    server: SandboxServer, bot: Flux2Bot, say: Say, only_job: OnlyJob
) -> None:
    """A model that has gone since does not keep its admirer from drawing."""
    luna = server.member("luna")
    preferred = await bot.services.shelf.preferences(luna.id)
    await bot.services.shelf.set_preferences(luna.id, preferred.model_copy(update={"model": "gone"}))
    await say("imagine", prompt="a fox")
    job = await only_job()
    assert job.request.model == "sample"
    assert "What you set with /settings does not fit here and was left out." in job.notes
