"""Replies to the bot's pictures: whose act at once, whose are asked about, which are ignored."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.interactions.reply import ReplyEdits
from bot.ledger.job import Job
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer
from worker.contract import Delivered

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Result = tuple[Job, Message]


@pytest.fixture
async def result(drawn: Callable[..., Awaitable[Result]]) -> Result:
    """Luna's finished picture and its message."""
    return await drawn(aspect="16:9")


def _spoken_after(server: SandboxServer, message: Message) -> list[Message]:
    return [m for m in server.world.messages(message.channel_id) if m.is_by_bot and m.id > message.id]


async def test_the_requesters_reply_acts_at_once(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, result: Result, only_job: OnlyJob, closed: Closed
) -> None:
    """Words become an edit of that very picture, same size; status and result answer the member's message."""
    before, picture = result
    reply = await server.member("luna").reply(picture, "make it blue")
    status = await server.world.wait_for(lambda m: m.reference_id == reply.id)
    assert status.labels() == ["Cancel"]
    job = await only_job()
    assert (job.source, job.parent_id, job.request.prompt) == ("reply", before.id, "make it blue")
    assert job.request.reference_images[0].sha256 == before.pictures[0].sha256
    assert (job.request.width, job.request.height) == (before.request.width, before.request.height)
    await gpu.draw(job)
    done = await closed(job.id)
    posted = server.world.message(done.result_message_id or 0)
    assert posted is not None
    assert (posted.channel_id, posted.reference_id) == (picture.channel_id, reply.id)
    assert posted.pinged == {server.member("luna").id}


async def test_attached_images_become_further_references(
    server: SandboxServer, bot: Flux2Bot, result: Result, only_job: OnlyJob, picture: Callable[..., Upload]
) -> None:
    """The picture comes first, what the reply brings follows in order."""
    reply = await server.member("luna").reply(
        result[1], "add this hat", files=[picture("hat.png", 32, 48), picture("b.png", 80, 80)]
    )
    await server.world.wait_for(lambda m: m.reference_id == reply.id)
    job = await only_job()
    shapes = [(one.width, one.height) for one in job.request.reference_images]
    assert shapes == [(result[0].request.width, result[0].request.height), (32, 48), (80, 80)]


@pytest.mark.parametrize(("words", "scene"), [("at dawn", "at dawn; a pier"), (".", "a pier")])
async def test_an_attached_json_prompt_is_the_instruction(
    server: SandboxServer, result: Result, only_job: OnlyJob, picture: Callable[..., Upload], words: str, scene: str
) -> None:
    """Words go before its scene, and none are needed; pictures beside it stay references."""
    before, shown = result
    file = Upload("scene.json", json.dumps({"scene": "a pier"}).encode())
    await server.member("luna").reply(shown, words, files=(file, picture()))
    await server.world.wait_for(lambda m: "Cancel" in m.labels())
    job = await only_job()
    assert (job.parent_id, json.loads(job.request.prompt)) == (before.id, {"scene": scene})
    assert len(job.request.reference_images) == 2


async def test_another_members_reply_is_asked_about(
    server: SandboxServer, bot: Flux2Bot, result: Result, only_job: OnlyJob
) -> None:
    """Nothing happens until its author confirms; then the picture is theirs, and the question is gone."""
    luna, other = server.member("luna"), server.member("max")
    reply = await other.reply(result[1], "make it green")
    question = await server.world.wait_for(lambda m: m.reference_id == reply.id)
    assert question.labels() == ["Edit"]
    assert await bot.services.ledger.open_jobs() == []
    refused = await (await luna.press(question, "Edit")).follow_up()
    assert refused.ephemeral
    assert "Only the member who replied" in refused.content
    await other.press(question, "Edit")
    status = await server.world.wait_for(lambda m: m.reference_id == reply.id and "Cancel" in m.labels())
    job = await only_job()
    assert (job.user_id, job.request.prompt, job.parent_id) == (other.id, "make it green", result[0].id)
    await server.world.hub.until(lambda: server.world.message(question.id) is None or None, 60)
    assert status.id != question.id


@pytest.mark.parametrize(("text", "ping"), [("nice", True), ("😀 🎉", True), ("wow!", True)])
async def test_talk_is_ignored(server: SandboxServer, bot: Flux2Bot, result: Result, text: str, ping: bool) -> None:
    """One word or emoji is talk: no job and no answer."""
    await server.member("luna").reply(result[1], text, ping=ping)
    await asyncio.sleep(0.4)
    assert _spoken_after(server, result[1]) == []
    assert await bot.services.ledger.open_jobs() == []


async def test_a_reply_without_ping_is_explained_once(server: SandboxServer, bot: Flux2Bot, result: Result) -> None:
    """Its words cannot be read; its author is told so the first time, others and later ones are left alone."""
    luna = server.member("luna")
    await server.member("max").reply(result[1], "make it blue", ping=False)
    first = await luna.reply(result[1], "make it blue", ping=False)
    hint = await server.world.wait_for(lambda m: m.reference_id == first.id)
    assert "only while its ping is on" in hint.content
    await luna.reply(result[1], "make it green", ping=False)
    await asyncio.sleep(0.4)
    assert _spoken_after(server, result[1]) == [hint]
    bot.replies = ReplyEdits(bot)  # as after a restart
    await luna.reply(result[1], "make it green", ping=False)
    await (await luna.slash("jobs")).answer()
    assert not any("only while its ping" in m.content for m in _spoken_after(server, hint))
    assert await bot.services.ledger.open_jobs() == []


async def test_calling_the_bot_to_another_persons_picture_names_the_menu(
    server: SandboxServer, bot: Flux2Bot, picture: Callable[..., Upload]
) -> None:
    """Discord does not show that picture; the answer says what does."""
    luna = server.member("luna")
    theirs = await server.member("max").say("my holidays", files=[picture()])
    reply = await luna.reply(theirs, f"{server.world.bot.mention} make it night")
    hint = await server.world.wait_for(lambda m: m.reference_id == reply.id)
    assert "choose Apps, then Edit" in hint.content


async def test_the_words_pick_among_several_pictures(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed, picture: Callable[..., Upload]
) -> None:
    """“image 3” of four is the reference, an attached file comes after it; the model reads their new numbers, members
    what was written."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "count": 4})).answer()
    before = await only_job()
    await gpu.draw(before)
    before = await closed(before.id)
    shown = server.world.message(before.result_message_id or 0)
    assert shown is not None
    bot.services.blobs.delete(before.pictures[2].sha256)
    reply = await luna.reply(shown, "put the hat of image 5 on image 3", files=[picture("hat.png", 32, 48)])
    status = await server.world.wait_for(lambda m: m.reference_id == reply.id)
    assert status.content.startswith("“put the hat of image 5 on image 3”\n")
    job = await only_job()
    assert job.request.prompt == "put the hat of image 2 on image 1"
    assert "“put the hat of image 5 on image 3”" in job.skeleton.content
    first, hat = job.request.reference_images
    assert (hat.width, hat.height) == (32, 48)
    assert first.sha256 != before.pictures[0].sha256
    assert "Image 3 of the 4 pictures was edited." in job.notes
    refused = await luna.reply(shown, "make image 9 blue")
    answer = await server.world.wait_for(lambda m: m.reference_id == refused.id)
    assert answer.content == (
        "The prompt speaks of image 9, but there are only images 1 to 4; attach it or change the number."
    )


async def test_a_chain_of_replies_edits_the_latest_picture(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, result: Result, only_job: OnlyJob, closed: Closed
) -> None:
    """A reply to the result of a reply takes that result, and each job knows the one before."""
    parent, shown = result
    for words in ("make it blue", "make it larger", "move it left"):
        reply = await server.member("luna").reply(shown, words)
        await server.world.wait_for(lambda m, reply=reply: m.reference_id == reply.id)
        job = await only_job()
        assert (job.parent_id, job.request.reference_images[0].sha256) == (parent.id, parent.pictures[0].sha256)
        await gpu.draw(job)
        parent = await closed(job.id)
        shown = server.world.message(parent.result_message_id or 0)
        assert shown is not None


async def test_a_bad_attachment_is_answered_for_a_while(server: SandboxServer, bot: Flux2Bot, result: Result) -> None:
    """An error is a reply that takes itself away."""
    bot.replies = ReplyEdits(bot, error_shown_s=0.5)
    reply = await server.member("luna").reply(result[1], "add this hat", files=[Upload("hat.png", b"no picture")])
    answer = await server.world.wait_for(lambda m: m.reference_id == reply.id)
    assert answer.content == "“hat.png”: The file is not a picture; attach a PNG, JPEG, WebP or GIF."
    await server.world.hub.until(lambda: server.world.message(answer.id) is None or None, 60)
    assert await bot.services.ledger.open_jobs() == []


async def test_a_reply_that_arrives_twice_is_one_job(
    server: SandboxServer, bot: Flux2Bot, result: Result, only_job: OnlyJob
) -> None:
    """A repeated gateway event makes one job and one status message."""
    server.world.faults.duplicate("MESSAGE_CREATE")
    reply = await server.member("luna").reply(result[1], "make it blue")
    await server.world.wait_for(lambda m: m.reference_id == reply.id)
    await asyncio.sleep(0.5)
    await only_job()
    assert len(_spoken_after(server, result[1])) == 1


async def test_a_picture_whose_blob_is_gone_is_read_from_its_message(
    server: SandboxServer, bot: Flux2Bot, result: Result, only_job: OnlyJob
) -> None:
    """Blobs may be cleaned up: the message still holds the picture."""
    bot.services.blobs.delete(result[0].pictures[0].sha256)
    reply = await server.member("luna").reply(result[1], "make it blue")
    await server.world.wait_for(lambda m: m.reference_id == reply.id)
    (reference,) = (await only_job()).request.reference_images
    assert await asyncio.to_thread(bot.services.blobs.exists, reference.sha256)


async def test_a_reply_that_overtakes_the_news_of_the_posting_is_an_edit(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody quick replies before the ledger knows which message carries the pictures."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "format": "png"})).answer()
    job = await only_job()
    assert await gpu.finish(job, await gpu.begin(job.id))
    apply, held = bot.services.ledger.apply, asyncio.Event()

    async def late(event: Any, *rest: Any) -> Any:
        if isinstance(event, Delivered):
            await held.wait()
        return await apply(event, *rest)

    monkeypatch.setattr(bot.services.ledger, "apply", late)  # the ledger's own, only later
    await gpu.post(job.id)
    posted = await server.world.wait_for(lambda m: bool(m.attachments))
    await luna.reply(posted, "make it blue please")
    held.set()
    await server.world.wait_for(lambda m: "make it blue please" in m.content and "Cancel" in m.labels())
