"""Back, Branch and what else follows the line of a picture's versions."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bot.client import Flux2Bot
from bot.ledger.job import Job
from sandbox.member import Member, Upload
from sandbox.message import Message
from sandbox.permissions import Permission
from sandbox.server import SandboxServer

Gpu = Any
OnlyJob = Callable[[], Awaitable[Job]]
Closed = Callable[[str], Awaitable[Job]]
Drawn = tuple[Job, Message]


@pytest.fixture
def draw(server: SandboxServer, bot: Flux2Bot, draw_one: Callable[[], Awaitable[Drawn]]) -> Callable[[], Any]:
    """Draws the one job that was asked for, and returns it with its message."""

    async def drawn() -> Drawn:
        # What shows itself as a reply is admitted before anything can be awaited.
        await server.world.wait_for(lambda m: "Cancel" in m.labels())
        return await draw_one()

    return drawn


@pytest.fixture
async def line(server: SandboxServer, draw: Callable[[], Awaitable[Drawn]]) -> list[Drawn]:
    """Three versions of luna's, in a thread."""
    luna = server.member("luna")
    await (await luna.slash("imagine", {"prompt": "a red fox", "format": "png", "seed": 7})).answer()
    versions = [await draw()]
    for words in ("make it green", "move it to the left"):
        await luna.reply(versions[-1][1], words)
        versions.append(await draw())
    return versions


async def pressed(member: Member, message: Message, *labels: str) -> Message:
    """What the last of several buttons leads to, each pressed on the answer to the one before."""
    for label in labels:
        use = await member.press(message, label)
        message = await (use.answer() if label == "More…" else use.follow_up())
    return message


async def test_back_leads_to_the_picture_before_and_on_from_there(
    server: SandboxServer, line: list[Drawn], draw: Callable[[], Awaitable[Drawn]]
) -> None:
    """By Edit or by a reply; the next picture comes from the one gone back to, and says so where all can see it."""
    (_, _), (second, second_message), (_, third_message) = line
    luna = server.member("luna")
    back = await pressed(luna, third_message, "More…", "Back")
    assert back.ephemeral
    assert [file.filename for file in back.attachments] == [f"flux2-{second.id}-1.png"]
    assert back.labels() == ["Again", "Vary", "Edit", "Upscale", "More…", "Back"]
    assert "v2](<" in back.content
    modal = (await luna.press(back, "Edit")).modal
    await luna.submit(modal, {"change": "make it yellow"})
    edited, message = await draw()
    said = await pressed(luna, message, "More…", "What changed")
    assert said.content.startswith("**v2 → v3**\nThe picture of v2 was changed: “make it yellow”\n")
    assert said.ephemeral
    assert (edited.parent_id, message.reference_id) == (second.id, second_message.id)
    assert edited.request.reference_images[0].sha256 == second.pictures[0].sha256
    assert "-# v3 ← [v2](<" in message.content
    first = await pressed(luna, back, "Back")
    assert first.labels() == ["Again", "Vary", "Edit", "Upscale", "More…"]
    assert "Back" not in (await pressed(luna, first, "More…")).labels()


async def test_a_recipe_file_is_drawn_again(
    server: SandboxServer, line: list[Drawn], draw: Callable[[], Awaitable[Drawn]]
) -> None:
    """The whole line in a file; attached to /imagine the first recipe decides whatever the options leave out."""
    (first, first_message), (second, _), (third, third_message) = line
    luna = server.member("luna")
    behind = await pressed(luna, third_message, "More…")
    assert behind.content.startswith("To draw it again by hand, copy this, and attach the picture it was drawn from:\n")
    sent = await pressed(luna, behind, "Recipe file")
    assert sent.ephemeral
    data = await server.read(sent.attachments[0])
    made = json.loads(data)["recipes"]
    assert [(one["version"], one["id"], one["prompt"]) for one in made] == [
        (3, third.id, "move it to the left"), (2, second.id, "make it green"), (1, first.id, "a red fox")
    ]  # fmt: skip
    options = {"prompt": ".", "image1": Upload("recipe.json", data)}
    assert "1 more picture" in (await (await luna.slash("imagine", options)).answer()).content
    data = await server.read((await pressed(luna, first_message, "More…", "Recipe file")).attachments[0])
    file = Upload("recipe.json", data)
    await (await luna.slash("settings", {"style": "analogue", "format": "jpeg"})).answer()  # is nothing to a recipe
    await (await luna.slash("imagine", {"prompt": ".", "image1": file, "steps": 3})).answer()
    again, _ = await draw()
    assert again.request == first.request.model_copy(update={"num_inference_steps": 3})
    exported = await (await luna.slash("history", {"words": "fox", "export": True})).answer()
    mine = json.loads(await server.read(exported.attachments[0]))["recipes"]
    assert [one["id"] for one in mine] == [again.id, first.id]


async def test_recipes_that_rework_a_picture_are_drawn_again_from_it(
    server: SandboxServer, bot: Flux2Bot, drawn: Any, draw: Callable[[], Awaitable[Drawn]]
) -> None:
    """Of Vary, of a part by cells or by a mask: with the picture beside the file the request is the same; what is
    missing is named."""
    luna = server.member("luna")
    _, shown = await drawn(size="128x96", format="png")
    picture = Upload("fox.png", await server.read(shown.attachments[0]))

    async def exported(message: Message) -> tuple[str, Upload]:
        sent = await pressed(luna, message, "More…", "Recipe file")
        return sent.content, Upload("recipe.json", await server.read(sent.attachments[0]))

    async def refused(options: dict[str, Any]) -> str:
        return (await (await luna.slash("imagine", {"prompt": ".", **options})).answer()).content

    await luna.press(await (await luna.press(shown, "Vary")).answer(), "Subtle")
    varied, message = await draw()
    told, file = await exported(message)
    assert told.endswith("It takes the picture that this one was drawn from, attached too.")
    said = await refused({"image1": file})
    assert said == "That recipe draws a picture anew; attach that picture beside the file."
    await (await luna.slash("imagine", {"prompt": ".", "image1": file, "image2": picture})).answer()
    assert but_for_bytes((await draw())[0]) == but_for_bytes(varied)

    for place, command, options in (
        ({"Only there": ["A1", "B1"]}, "imagine", {"image2": picture}),
        ({"Or a mask painted over the picture": [mask()]}, "edit", {"image": picture, "mask": mask()}),
    ):
        form = (await luna.press(shown, "Edit")).modal
        await luna.submit(form, {"Only change this (edits the picture)": "a hat", **place})
        part, message = await draw()
        _, file = await exported(message)
        if command == "edit":
            assert (await refused({"image1": file, "image2": picture})).endswith("the picture, the file, and the mask.")
        name = "image2" if command == "edit" else "image1"
        await (await luna.slash(command, {"prompt": ".", name: file, **options})).answer()
        assert but_for_bytes((await draw())[0]) == but_for_bytes(part)

    await luna.press(shown, "Upscale")
    larger, message = await draw()
    told, file = await exported(message)
    assert told == "To enlarge the picture again use /upscale with what the file says."
    assert f"`size:256x192 creativity:0.3 seed:{larger.request.seed}`" in await refused({"image1": file})


def mask() -> Upload:
    """White in its lower right quarter."""
    image = Image.new("L", (128, 96))
    image.paste(255, (64, 48, 128, 96))
    file = io.BytesIO()
    image.save(file, "PNG")
    return Upload("mask.png", file.getvalue())


def but_for_bytes(job: Job) -> dict[str, Any]:
    """The request, of its pictures only the sizes: what was attached again is the same in another file."""

    def sized(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: sized(one) for name, one in value.items() if name != "sha256"}
        return [sized(one) for one in value] if isinstance(value, list | tuple) else value

    return dict(sized(job.request.model_dump()))


async def test_nobody_gets_back_to_a_picture_they_cannot_see(
    server: SandboxServer, bot: Flux2Bot, line: list[Drawn], draw: Callable[[], Awaitable[Drawn]]
) -> None:
    """A version in a hidden channel, and one whose message was deleted, stay their owner's."""
    (_, first), (second, second_message), _ = line
    luna, max_ = server.member("luna"), server.member("max")
    again = await (await luna.slash("history", {"id": second.id}, channel="lounge")).answer()
    await luna.press(again, "Again")
    _, public = await draw()
    elsewhere = await pressed(max_, public, "More…", "Back", "More…", "Branch")
    assert "can be branched only where it was posted" in elsewhere.content
    world = server.world
    world.overwrite(world.channel("pictures"), world.user("max"), deny=Permission.VIEW_CHANNEL)
    await bot.wait_for("guild_channel_update", timeout=60)
    refused = await pressed(max_, public, "More…", "Back")
    assert refused.ephemeral
    assert "another member's, and its message is gone or in a channel you cannot see" in refused.content
    assert (await pressed(max_, public, "More…", "What changed")).content == refused.content
    await (await luna.press(await pressed(luna, second_message, "More…"), "Delete")).follow_up()
    assert len((await pressed(luna, public, "More…", "Back")).attachments) == 1
    assert first.id in {one.id for one in world.all_messages()}


async def test_a_branch_is_a_thread_of_its_own(
    server: SandboxServer, line: list[Drawn], draw: Callable[[], Awaitable[Drawn]]
) -> None:
    """The picture stands again in a new thread of the same channel, and a reply to it there goes on with the line."""
    _, (second, second_message), _ = line
    max_ = server.member("max")
    said = await pressed(max_, second_message, "More…", "Branch")
    assert said.ephemeral
    posted = await server.world.wait_for(
        lambda m: m.id != second_message.id and any(second.id in file.filename for file in m.attachments)
    )
    assert f"{posted.channel_id}/{posted.id}" in said.content
    home = server.world.channel("pictures")
    assert posted.channel_id in {thread.id for thread in server.world.threads(home.id)} - {second_message.channel_id}
    refused = await pressed(max_, second_message, "More…", "Branch")
    assert refused.content.startswith("You began a line from this picture already: https://")
    await server.member("luna").reply(posted, "make it yellow")
    job, message = await draw()
    assert (job.parent_id, message.channel_id) == (second.id, posted.channel_id)


async def test_what_was_hidden_is_hidden_in_a_branch_which_its_owner_takes_away(
    server: SandboxServer, bot: Flux2Bot, line: list[Drawn]
) -> None:
    """Behind More… it is the message above that is meant, though another one is on record, which goes unread."""
    _, (second, second_message), _ = line
    luna = server.member("luna")
    await pressed(luna, second_message, "More…", "Spoiler")
    await pressed(server.member("max"), second_message, "More…", "Branch")
    copy = await server.world.wait_for(
        lambda m: m.id != second_message.id and any(second.id in file.filename for file in m.attachments)
    )
    assert [file.filename[:8] for file in copy.attachments] == ["SPOILER_"]
    await pressed(luna, copy, "More…", "Delete")
    assert (copy.deleted, second_message.deleted) == (True, False)
    world = server.world
    world.overwrite(world.channel("pictures"), world.bot, deny=Permission.READ_MESSAGE_HISTORY)
    await bot.wait_for("guild_channel_update", timeout=60)
    assert (await pressed(luna, second_message, "More…", "Delete")).content == "Deleted."
    assert second_message.deleted
