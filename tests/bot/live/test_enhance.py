"""/enhance, /describe and /imagine upsample:…, as members meet them; the io worker is the real desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis import Redis

from bot.client import Flux2Bot
from bot.ledger.job import Job, State
from config.settings import BotSettings
from flux2.models import REGISTRY
from flux2.upsampling.openrouter import Access
from sandbox.member import Upload
from sandbox.message import Message
from sandbox.server import SandboxServer
from worker.blobs import open_blobs
from worker.contract import Heartbeat
from worker.heartbeat import Beacon
from worker.tasks.rewrite import Desk

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Serve = Callable[[str], Awaitable[None]]
PATIENCE_S = 60.0


async def until(probe: Callable[[], Any]) -> Any:
    """Wait until `probe` gives something true, and return it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        found = probe()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


@pytest.fixture
async def desk(
    settings: BotSettings, bot: Flux2Bot, openrouter: Any
) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """An io worker with a key: seen by the bot, and it answers the job that is asked for."""
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    Beacon(redis).beat(Heartbeat(name="io-1", role="io", state="idle", rewrites_with="test/eyes"), ttl_s=600)
    access = Access("sk-or-test", openrouter.url, "test/eyes")
    served = Desk(redis, open_blobs(settings.blob_url), access, name="io-1-4")

    async def serve(job_id: str) -> None:
        await until(lambda: redis.lrem("rq:queue:io", 0, f"{job_id}-w1"))
        await asyncio.to_thread(served.rewrite, job_id)

    yield serve
    redis.close()


async def words_of(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, desk: Any, only_job: OnlyJob, closed: Closed,
    command: str, options: dict[str, Any],
) -> tuple[Job, Message]:  # fmt: skip
    """Ask for words and return the job and the message with them."""
    await (await server.member("luna").slash(command, options)).answer()
    job = await only_job()
    await desk(job.id)
    await gpu.post(job.id)
    job = await closed(job.id)
    message = server.world.message(job.result_message_id or 0)
    assert message is not None
    return job, message


@pytest.fixture
def ask(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, desk: Any, only_job: OnlyJob, closed: Closed
) -> Callable[..., Awaitable[tuple[Job, Message]]]:
    """Asks for words."""

    async def asking(command: str, **options: Any) -> tuple[Job, Message]:
        return await words_of(server, bot, gpu, desk, only_job, closed, command, options)

    return asking


async def test_enhance_shows_what_it_changes_and_draws_on_demand(
    server: SandboxServer, bot: Flux2Bot, openrouter: Any, ask: Any, only_job: OnlyJob
) -> None:
    """A word diff with Use, Edit and Original; Use draws from the new words and rewrites them no more."""
    openrouter.default = openrouter.completion("a quiet *red* fox, sitting up")
    job, message = await ask("enhance", prompt="a fox sat")
    assert message.content.startswith(f"<@{job.user_id}> a **quiet \\*red\\*** fox ~~sat~~**, sitting up**\n")
    assert message.labels() == ["Use", "Edit", "Original"]
    assert message.channel_id == server.world.channel("pictures").id
    await server.member("luna").press(message, "Use")
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    drawn = await only_job()
    assert (drawn.request.prompt, drawn.parent_id) == ("a quiet *red* fox, sitting up", job.id)
    assert getattr(drawn.request, "upsample", "") == "none"


@pytest.mark.parametrize("command", ["enhance", "describe"])
async def test_private_words_and_what_is_drawn_from_them_are_seen_by_nobody_else(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, desk: Serve, only_job: OnlyJob, closed: Closed, command: str,
    picture: Callable[..., Upload],
) -> None:  # fmt: skip
    """Status, words and the picture that Use draws."""
    luna = server.member("luna")
    asked: dict[str, Any] = {"prompt": "a fox"} if command == "enhance" else {"image": picture()}
    use = await luna.slash(command, asked | {"private": True})
    assert (await use.answer()).ephemeral
    job = await only_job()
    await desk(job.id)
    await gpu.post(job.id)
    await closed(job.id)
    (words,) = use.interaction.follow_ups
    assert (words.ephemeral, words.labels()[:2]) == (True, ["Use", "Edit"])
    assert (await (await luna.press(words, "Use")).answer()).ephemeral
    assert (await only_job()).is_private


async def test_original_draws_from_the_old_words(
    server: SandboxServer, bot: Flux2Bot, ask: Any, only_job: OnlyJob, picture: Callable[..., Upload]
) -> None:
    """With the picture that was attached."""
    job, message = await ask("enhance", prompt="make the fox sit", image=picture())
    await server.member("luna").press(message, "Original")
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    drawn = await only_job()
    assert drawn.request.prompt == "make the fox sit"
    assert drawn.request.reference_images == job.request.reference_images != ()


async def test_edit_opens_the_new_words(server: SandboxServer, bot: Flux2Bot, ask: Any, only_job: OnlyJob) -> None:
    """The form holds them whole; what is sent is what is drawn."""
    job, message = await ask("enhance", prompt="a fox")
    luna = server.member("luna")
    modal = (await luna.press(message, "Edit")).modal
    assert job.words is not None
    assert job.words in str(modal)
    await luna.submit(modal, {"prompt": f"{job.words} at dusk"})
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    assert (await only_job()).request.prompt == f"{job.words} at dusk"


async def test_a_json_prompt_is_shown_in_a_block(
    server: SandboxServer, bot: Flux2Bot, openrouter: Any, ask: Any
) -> None:
    """Words to JSON, indented."""
    openrouter.default = openrouter.completion('{"mood": "calm", "scene": "a fox"}')
    _, message = await ask("enhance", prompt="a calm fox", form="json")
    assert '```json\n{\n  "scene": "a fox",\n  "mood": "calm"\n}\n```' in message.content


async def test_describe_puts_a_picture_into_words(
    server: SandboxServer, bot: Flux2Bot, ask: Any, only_job: OnlyJob, picture: Callable[..., Upload]
) -> None:
    """Use draws from the words alone."""
    job, message = await ask("describe", image=picture())
    assert "a calm red fox in tall golden grass" in message.content
    assert message.labels() == ["Use", "Edit"]
    await server.member("max").press(message, "Use")
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    drawn = await only_job()
    assert drawn.request.prompt == job.words
    assert drawn.request.reference_images == ()


async def test_what_was_rewritten_is_not_rewritten_again(
    server: SandboxServer, bot: Flux2Bot, openrouter: Any, ask: Any
) -> None:
    """By the member who got the words: /enhance says so, upsample leaves them alone; others may ask."""
    openrouter.default = openrouter.completion("a poster of a fox")
    await ask("enhance", prompt="a fox")
    luna = server.member("luna")
    told = await (await luna.slash("enhance", {"prompt": "a poster of a fox"})).answer()
    assert told.ephemeral
    assert "written better already" in told.content
    for member, state in ((luna, State.WAITING), (server.member("max"), State.REWRITING)):
        await (await member.slash("imagine", {"prompt": "a poster of a fox", "upsample": "auto"})).answer()
        newest = (await bot.services.ledger.open_jobs())[-1]
        assert (newest.user_id, newest.state is State.REWRITING) == (member.id, state is State.REWRITING)


async def test_words_that_do_not_come_are_told(server: SandboxServer, bot: Flux2Bot, openrouter: Any, ask: Any) -> None:
    """One sentence with the reason, and Again."""
    openrouter.default = openrouter.failure(402)
    _, message = await ask("enhance", prompt="a fox")
    assert "No better words were found: The credit at OpenRouter is used up" in message.content
    assert message.labels() == ["Again"]


async def test_imagine_waits_for_its_words(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, desk: Any, only_job: OnlyJob, closed: Closed
) -> None:
    """upsample:openrouter rewrites first; the picture's text and its alt text are the new words."""
    use = await server.member("luna").slash("imagine", {"prompt": "a fox", "upsample": "openrouter"})
    status = await use.answer()
    job = await only_job()
    assert job.state is State.REWRITING
    assert "Rewriting the prompt" in status.content
    await desk(job.id)

    async def worded() -> Job | None:
        found = await only_job()
        return None if found.state is State.REWRITING else found

    job = await until(worded)
    assert job.request.prompt == "a calm red fox in tall golden grass"


async def test_auto_leaves_plain_prompts_alone(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, desk: Any, only_job: OnlyJob
) -> None:
    """Off for what gains little, on for lettering; whoever left it out is told that it might help."""
    luna = server.member("luna")
    states = {}
    for prompt, mode in (("a red car", "auto"), ("a poster for a jazz night", "auto"), ("a meme about cats", None)):
        options = {"prompt": prompt} | ({"upsample": mode} if mode else {})
        await (await luna.slash("imagine", options)).answer()
        newest = (await bot.services.ledger.open_jobs())[-1]
        states[prompt] = (newest.state is State.REWRITING, newest.notes)
    assert states["a red car"] == (False, ())
    assert states["a poster for a jazz night"] == (True, ())
    assert states["a meme about cats"][0] is False
    assert "/enhance" in states["a meme about cats"][1][0]


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("enhance", {"prompt": "a fox"}, "No hosted language model is set up here and sample cannot write"),
        ("enhance", {"prompt": "a fox", "upsample": "local"}, "cannot write; draw your own words"),
        ("enhance", {"prompt": " "}, "The prompt is empty"),
        ("imagine", {"prompt": "a fox", "upsample": "openrouter"}, "cannot write; draw your own words"),
    ],
)
async def test_without_a_route_one_sentence_says_so(
    server: SandboxServer, bot: Flux2Bot, command: str, options: dict[str, Any], words: str
) -> None:
    """Ephemeral, and nothing is queued."""
    answer = await (await server.member("luna").slash(command, options)).answer()
    assert answer.ephemeral
    assert words in answer.content
    assert await bot.services.ledger.open_jobs() == []


async def test_describe_without_eyes_says_so(
    server: SandboxServer, bot: Flux2Bot, picture: Callable[..., Upload]
) -> None:
    """The sample cannot see, and there is no key."""
    answer = await (await server.member("luna").slash("describe", {"image": picture()})).answer()
    assert answer.ephemeral
    assert "cannot see pictures" in answer.content


async def test_a_prompt_that_will_be_cut_is_warned_of(
    server: SandboxServer, bot: Flux2Bot, settings: BotSettings
) -> None:
    """To the member alone, before it is drawn, with the figures; a short one is not."""
    with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        Beacon(redis).beat(Heartbeat(name="gpu-2", role="gpu", state="idle", model=REGISTRY["klein-4b"]))
    for words, warned in ((700, True), (5, False)):
        use = await server.member("luna").slash("imagine", {"prompt": "fox " * words, "model": "klein-4b"})
        await use.answer()
        if warned:
            warning = await until(use.ephemeral_follow_up)
            assert "tokens and klein-4b reads 512" in warning.content
        else:
            assert use.ephemeral_follow_up() is None


async def test_words_that_no_channel_took_are_kept(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, desk: Serve, only_job: OnlyJob, closed: Closed
) -> None:
    """/jobs gives them back, with the buttons to draw from them."""
    luna = server.member("luna")
    await (await luna.slash("enhance", {"prompt": "a fox"})).answer()
    job = await only_job()
    await desk(job.id)
    gpu.fence.record_undeliverable(job.id, 50013)
    await closed(job.id)
    kept = await (await luna.slash("jobs", {})).answer()
    shown = await (await luna.press(kept, "Post again")).follow_up()
    assert "a calm red fox in tall golden grass" in shown.content
    assert shown.labels() == ["Use", "Edit"]
