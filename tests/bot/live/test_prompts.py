"""What a prompt may be besides plain words: JSON as text and as a file, colours, styles, negative prompts."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.ledger.job import Job
from flux2.prompting.scene import parse
from sandbox.member import Upload
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
SCENE = {"scene": "a pier", "camera": {"f-number": "f/2.8", "ISO": 200}, "weather": "rain"}


async def test_a_json_prompt_is_typed(server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob) -> None:
    """The JSON arrives whole, and an unknown key is said on the result."""
    await (await server.member("luna").slash("imagine", {"prompt": json.dumps(SCENE, indent=1)})).answer()
    job = await only_job()
    assert json.loads(job.request.prompt) == SCENE
    assert job.notes == ("JSON prompt: “weather” is not part of the schema and was passed on as it is.",)


@pytest.mark.parametrize(("typed", "scene"), [("json", "a pier"), ("at dawn", "at dawn; a pier")])
async def test_a_json_prompt_is_attached(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob, picture: Callable[..., Upload], typed: str, scene: str
) -> None:
    """A .json file among the images is the prompt, the words typed go before its scene; the images stay references."""
    upload = Upload("scene.json", b"\xef\xbb\xbf" + json.dumps(SCENE).encode())
    options = {"prompt": typed, "image1": picture(), "image2": upload}
    await (await server.member("luna").slash("imagine", options)).answer()
    job = await only_job()
    assert json.loads(job.request.prompt) == SCENE | {"scene": scene}
    assert len(job.request.reference_images) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": '{"scene": "a pier"'}, "a mistake in line 1"),
        ({"prompt": "a pier --no people"}, "for example: “a pier, a deserted, untouched place”."),
        ({"prompt": "a pier", "style": "stiker"}, "did you mean sticker?"),
        ({"prompt": "x", "image1": Upload("a.json", b"{}")}, "The JSON prompt is empty"),
        ({"prompt": "x", "image1": Upload("a.json", b"\xff\xfe{}")}, "not UTF-8"),
        ({"prompt": "x", "image1": Upload("a.json", b" " * 70_000)}, "larger than 64 KiB"),
        ({"prompt": "x", "image1": Upload("a.json", b"{}"), "image2": Upload("b.JSON", b"{}")}, "two JSON files"),
    ],
)
async def test_a_wrong_prompt_is_one_sentence_for_the_member_alone(
    server: SandboxServer, bot: Flux2Bot, options: dict[str, Any], words: str
) -> None:
    """Nothing is queued, and what to write instead is said."""
    use = await server.member("luna").slash("imagine", options)
    answer = await use.answer()
    assert answer.ephemeral
    assert words in answer.content
    assert await bot.services.ledger.open_jobs() == []


async def test_styles_are_offered_and_put_around_the_words(
    server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob
) -> None:
    """Autocomplete shows title and words; the style's words and, where the model draws it, its size are used."""
    luna = server.member("luna")
    choices = await luna.autocomplete("imagine", "style", "sti")
    assert [choice["value"] for choice in choices] == ["sticker"]
    assert choices[0]["name"].startswith("Die-cut sticker · Name one subject")
    assert len(await luna.autocomplete("imagine", "style", "")) == len(bot.services.styles)
    await (await luna.slash("imagine", {"prompt": "a fox", "style": "Die-cut sticker"})).answer()
    job = await only_job()
    assert job.request.prompt.startswith("A die-cut sticker of a fox, smooth rounded lines")
    assert (job.request.width, job.request.height) == (768, 768)


async def test_codes_are_shown_as_swatches(server: SandboxServer, bot: Flux2Bot, gpu: Gpu, closed: Closed) -> None:
    """The status message carries a strip of the colours asked for, with words for a screen reader, and keeps it."""
    prompt = "a vase in #f00, the color is a gradient starting with #02eb3c and finishing with #edfa3c"
    status = await (await server.member("luna").slash("imagine", {"prompt": prompt})).answer()
    (job,) = await bot.services.ledger.open_jobs()
    assert "color #FF0000" in job.request.prompt
    await gpu.draw(job)
    await closed(job.id)
    final = server.world.message(status.id)
    assert final is not None
    (shown,) = final.attachments
    assert shown.description == "Colours: #02EB3C to #EDFA3C, #FF0000"
    image = Image.open(io.BytesIO(await server.read(shown))).convert("RGB")
    ends = [image.getpixel((2, 18)), image.getpixel((189, 18)), image.getpixel((290, 18))]
    for seen, asked in zip(ends, ("02EB3C", "EDFA3C", "FF0000"), strict=True):
        assert isinstance(seen, tuple)
        assert max(abs(a - b) for a, b in zip(seen, bytes.fromhex(asked), strict=True)) < 6


async def test_plain_words_show_no_swatch(server: SandboxServer, bot: Flux2Bot) -> None:
    """Nothing is attached where no code is named."""
    status = await (await server.member("luna").slash("imagine", {"prompt": "a red fox"})).answer()
    assert status.attachments == []


async def test_every_language_arrives_as_it_was_typed(server: SandboxServer, bot: Flux2Bot, only_job: OnlyJob) -> None:
    """French, Korean, Arabic and emoji through Discord, bot and ledger."""
    prompt = "Un marché normand, 서울의 옥상 정원, سوق قديم 🦊"
    await (await server.member("luna").slash("imagine", {"prompt": prompt})).answer()
    assert (await only_job()).request.prompt == prompt


async def test_an_edited_json_prompt_stays_json(
    server: SandboxServer, bot: Flux2Bot, gpu: Gpu, only_job: OnlyJob, closed: Closed
) -> None:
    """The Edit form shows the JSON; what comes back is read as JSON again."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": json.dumps(SCENE)})).answer()
    job = await only_job()
    await gpu.draw(job)
    message = server.world.message((await closed(job.id)).result_message_id or 0)
    assert message is not None
    modal = (await luna.press(message, "Edit")).modal
    await luna.submit(modal, {"prompt": modal.field("prompt").value.replace("a pier", "a #0f0 pier")})
    await server.world.wait_for(lambda m: m.reference_id == message.id and "Cancel" in m.labels())
    assert parse((await only_job()).request.prompt)[0].scene == "a color #00FF00 pier"
