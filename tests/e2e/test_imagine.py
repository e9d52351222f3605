"""A member's prompt, all the way to a picture in the thread."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sandbox.once import Errand, Refused, converse
from sandbox.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def imagine(stack: Stack, out: Path, prompt: str = "a red fox", **options: Any) -> dict[str, Any]:
    """Send /imagine and return once's JSON line."""
    images = options.pop("images", ())
    then = options.pop("then", ())
    return await converse(Errand("imagine", out, prompt, images, {k: str(v) for k, v in options.items()}, then), stack)


def pixels(line: dict[str, Any], index: int = 0) -> np.ndarray:
    """The picture's RGB values, height x width x 3."""
    return np.asarray(Image.open(line["files"][index]).convert("RGB")).astype(int)


async def test_a_prompt_becomes_a_picture_of_the_stated_size_in_a_thread(stack: Stack, tmp_path: Path) -> None:
    """The picture decodes, has the size the request states, lies in a thread, and only the requester is pinged."""
    line = await imagine(stack, tmp_path, aspect="16:9")
    request = line["request"]
    assert pixels(line).shape == (request["height"], request["width"], 3)
    assert request["width"] / request["height"] == pytest.approx(16 / 9, rel=0.1)
    assert line["thread"]
    message = stack.server.world.message(int(line["message_id"]))
    assert message is not None
    assert message.pinged == {stack.server.member("luna").id}
    assert all(attachment.description for attachment in message.attachments)


async def test_the_same_seed_draws_the_same_pixels_and_another_seed_does_not(stack: Stack, tmp_path: Path) -> None:
    """A seed names one picture."""
    first, again, other = [
        await imagine(stack, tmp_path / str(i), "a blue star", seed=seed, format="png")
        for i, seed in enumerate((7, 7, 8))
    ]
    assert (pixels(first) == pixels(again)).all()
    assert (pixels(first) != pixels(other)).any()


async def test_count_gives_that_many_files_in_one_message(stack: Stack, tmp_path: Path) -> None:
    """Four pictures are one message with four files, picture i drawn with seed + i."""
    line = await imagine(stack, tmp_path, count=4, seed=20, format="png")
    assert len(line["files"]) == 4
    assert line["request"]["seeds"] == [20, 21, 22, 23]
    alone = await imagine(stack, tmp_path / "alone", seed=22, format="png")
    assert (pixels(line, 2) == pixels(alone)).all()


async def test_a_reference_changes_the_result(stack: Stack, tmp_path: Path) -> None:
    """A picture given as image1 conditions the drawing."""
    drawn = Image.new("RGB", (128, 128), "white")
    drawn.paste((0, 160, 0), (32, 32, 96, 96))
    path = tmp_path / "square.png"
    drawn.save(path)
    with_reference = await imagine(stack, tmp_path / "a", "make it blue", images=(path,), seed=3, size="128x128")
    without = await imagine(stack, tmp_path / "b", "make it blue", seed=3, size="128x128")
    assert np.abs(pixels(with_reference) - pixels(without)).mean() > 5


async def test_a_reply_edits_the_picture(stack: Stack, tmp_path: Path) -> None:
    """Replying with ping to a result draws a second picture from it, in the same thread."""
    line = await imagine(stack, tmp_path, "a red circle on a white background", then=("make it blue",), seed=1)
    height, width, _ = pixels(line).shape
    red, _, blue = pixels(line)[height // 2, width // 2]
    assert blue > red, "the middle of the edited picture is blue"
    assert line["request"]["reference_images"], "the first picture is the edit's reference"


async def test_the_explicit_size_is_snapped_and_said(stack: Stack, tmp_path: Path) -> None:
    """A size that is no multiple of 16 is changed, and the member reads the true one."""
    line = await imagine(stack, tmp_path, size="130x100")
    assert (line["request"]["width"], line["request"]["height"]) == (128, 96)
    assert "128x96" in line["content"]


@pytest.mark.parametrize("image_format", ["png", "webp", "jpeg"])
async def test_the_format_asked_for_is_the_format_sent(stack: Stack, tmp_path: Path, image_format: str) -> None:
    """The file a member gets is of the format they chose."""
    line = await imagine(stack, tmp_path, format=image_format)
    with Image.open(line["files"][0]) as picture:
        assert picture.format == image_format.upper()


async def test_jobs_answers_without_a_picture(stack: Stack, tmp_path: Path) -> None:
    """/jobs is answered to the member alone, and the errand ends well."""
    line = await converse(Errand("jobs", tmp_path), stack)
    assert line["ok"]
    assert line["files"] == []
    assert line["content"]


async def test_a_refusal_names_its_stage(stack: Stack, tmp_path: Path) -> None:
    """What Discord's client refuses and what the bot refuses are told apart."""
    with pytest.raises(Refused) as by_client:
        await converse(Errand("imagine", tmp_path), stack)
    assert by_client.value.stage == "client"
    with pytest.raises(Refused) as by_bot:
        await imagine(stack, tmp_path, size="7x7")
    assert by_bot.value.stage == "bot"
    assert "64" in by_bot.value.error


async def test_a_list_gives_a_picture_of_each_word_and_a_sheet_of_them_all(stack: Stack) -> None:
    """Same seed, other words; the labelled sheet comes last and shows both."""
    luna = stack.server.member("luna")
    asked = await (await luna.slash("imagine", {"prompt": "a {red|blue} circle", "seed": 3, "format": "png"})).answer()
    await luna.press(asked, "Draw 2")
    world = stack.server.world
    posted = await world.wait_for(lambda m: len(m.attachments) == 3)
    red, blue, sheet = [Image.open(io.BytesIO(world.cdn.read(file.id) or b"")) for file in posted.attachments]
    assert [np.asarray(image.convert("RGB")).astype(int)[64, 64].argmax() for image in (red, blue)] == [0, 2]
    assert sheet.width > 2 * red.width
