"""Lists in prompts, as members use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.faults import Delay, Fault
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]


async def test_a_list_is_drawn_once_its_owner_agrees(server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob) -> None:
    """What it makes is said first; others cannot agree for them; then it is one job with a prompt a picture."""
    luna, other = server.member("luna"), server.member("max")
    asked = await (await luna.slash("imagine", {"prompt": "a {red|blue} fox", "seed": 7})).answer()
    assert asked.content == "The lists make **2 pictures**: red, blue."
    assert asked.labels() == ["Draw 2", "Leave it"]
    refused = await (await other.press(asked, "Draw 2")).answer()
    assert refused.ephemeral
    assert "another member" in refused.content
    assert await bot.services.ledger.open_jobs() == []
    await luna.press(asked, "Draw 2")
    await server.world.wait_for(lambda m: m.id == asked.id and "Cancel" in m.labels())
    request = (await only_job()).request
    assert request.prompt == "a {red|blue} fox"
    assert (request.prompts, request.seeds) == (("a red fox", "a blue fox"), (7, 7))


async def test_a_list_that_is_not_wanted_leaves_nothing(server: SandboxServer, bot: Flux2Bot) -> None:
    """The question goes and nothing is queued, also where the press comes before the bot knows that it has asked."""
    luna = server.member("luna")
    server.world.faults.add(Fault("PATCH", r"/messages/@original$", Delay(0.5, after_commit=True)))
    asked = await (await luna.slash("imagine", {"prompt": "a {red|blue} fox"})).answer()
    assert not (await luna.press(asked, "Leave it")).failed
    await server.world.hub.until(lambda: True if server.world.message(asked.id) is None else None, 60)
    assert await bot.services.ledger.open_jobs() == []


async def test_a_bot_that_stops_waits_for_no_answer(server: SandboxServer, bot: Flux2Bot) -> None:
    """The question goes, its member is told, and the stop is not held up."""
    luna = server.member("luna")
    use = await luna.slash("imagine", {"prompt": "a {red|blue} fox"})
    asked = await use.answer()
    await bot.running.drain(60)
    assert server.world.message(asked.id) is None
    assert (await use.follow_up()).content.startswith("I am restarting; try again in a minute.")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": "{a|b|c|d} {e|f|g}"}, "The lists make 12 pictures, and 9 is the most; shorten them."),
        ({"prompt": "{a|b} fox", "count": 2}, "make 2 pictures already; leave count out."),
    ],
)
async def test_impossible_lists_are_refused_at_once(
    server: SandboxServer, bot: Flux2Bot, options: dict[str, Any], words: str
) -> None:
    """Privately, before anything is asked or queued."""
    answer = await (await server.member("luna").slash("imagine", options)).answer()
    assert answer.ephemeral
    assert words in answer.content


async def test_lists_are_asked_about_wherever_words_are_written(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, drawn: Any
) -> None:
    """In a reply by a reply, which only its author answers; under a button to the presser alone; Again and Remix with
    the same words ask nothing more."""
    luna, other = server.member("luna"), server.member("max")
    _, shown = await drawn(size="128x128", style="analogue")
    reply = await luna.reply(shown, "make the fox {blue|green}")
    asked = await server.world.wait_for(lambda m: m.reference_id == reply.id)
    assert asked.content.startswith("The lists make **2 pictures**, a few seconds: blue, green.")
    assert (await (await other.press(asked, "Draw 2")).answer()).ephemeral
    await luna.press(asked, "Leave it")
    await server.world.hub.until(lambda: True if server.world.message(asked.id) is None else None, 60)
    assert await bot.services.ledger.open_jobs() == []
    form = (await luna.press(shown, "Edit")).modal
    use = await luna.submit(form, {"prompt": "a {red|blue} fox"})
    asked = await use.follow_up()
    assert (asked.ephemeral, asked.labels()) == (True, ["Draw 2", "Leave it"])
    await luna.press(asked, "Draw 2")
    await server.world.wait_for(lambda m: m.reference_id == shown.id and "Cancel" in m.labels())
    first = await only_job()
    assert first.request.count == 2
    assert server.world.message(asked.id) is None
    await gpu.draw(first)
    posted = await server.world.wait_for(lambda m: len(m.attachments) == 2)
    await luna.press(posted, "Again")
    await server.world.wait_for(lambda m: m.reference_id == posted.id and "Cancel" in m.labels())
    again = next(job for job in await bot.services.ledger.open_jobs() if job.source == "again")
    assert again.request.variants == first.request.variants


async def test_a_list_that_asks_for_too_much_is_refused_before_the_question(
    server: SandboxServer, bot: Flux2Bot
) -> None:
    """What is left of the day, and what may be drawn at a time, come first; what fits is asked about with them."""
    luna, ada = server.member("luna"), server.member("ada")
    quota = {"member": luna.user, "pictures": 2}
    await (await ada.slash("admin quota set", quota)).answer()
    refused = await (await luna.slash("imagine", {"prompt": "a {red|blue|green} fox"})).answer()
    assert refused.ephemeral
    assert refused.content == "This asks for 3 pictures, and you may have 2 a day; ask for fewer."
    asked = await (await luna.slash("imagine", {"prompt": "a {red|blue} fox"})).answer()
    assert "Left for today: 2 of 2 pictures" in asked.content
    await luna.press(asked, "Leave it")
    await (await ada.slash("admin limits set", {"count": 1})).answer()
    refused = await (await luna.slash("imagine", {"prompt": "a {red|blue} fox"})).answer()
    assert "allows at most 1 picture at a time, and this has 2" in refused.content


async def test_words_that_were_a_list_can_be_changed_to_plain_ones(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob
) -> None:
    """Edit on such a picture draws one picture of plain words."""
    luna = server.member("luna")
    asked = await (await luna.slash("imagine", {"prompt": "a {red|blue} fox", "format": "png"})).answer()
    await luna.press(asked, "Draw 2")
    await server.world.wait_for(lambda m: m.id == asked.id and "Cancel" in m.labels())
    await gpu.draw(await only_job())
    posted = await server.world.wait_for(lambda m: len(m.attachments) == 2)
    modal = (await luna.press(posted, "Edit")).modal
    await luna.submit(modal, {"prompt": "a fox"})
    await server.world.wait_for(lambda m: m.reference_id == posted.id and "Cancel" in m.labels())
    request = next(job.request for job in await bot.services.ledger.open_jobs() if job.source == "edit")
    assert (request.prompts, request.count) == (("a fox",), 1)
