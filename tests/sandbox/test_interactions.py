"""Answers to interactions through the real discord.py: in time, once, deferred, ephemeral, followed up."""

from __future__ import annotations

import asyncio
import io

import discord
import pytest

from sandbox.interaction import CallbackType, Interaction, InteractionType
from sandbox.member import Member, Upload
from sandbox.message import MessageFlag
from sandbox.use import InteractionFailed
from sandbox.wire import ApiError
from sandbox.world import World

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0003860180"
    "5a346e020000000049454e44ae426082"
)


def file(name: str = "a.png", data: bytes = PIXEL, description: str | None = None) -> discord.File:
    """A new file for one sending."""
    return discord.File(io.BytesIO(data), name, description=description)


async def test_an_option_attachment_is_read_and_the_deferred_answer_carries_a_file(connect, server, luna) -> None:
    """A slash command with a picture is deferred, the picture is read from the CDN, and the edit fills the answer."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def imagine(interaction: discord.Interaction, prompt: str, image: discord.Attachment) -> None:
            await interaction.response.defer()
            data = await image.read()
            content = f"{prompt} {image.width}x{image.height} {image.content_type} {len(data)}"
            await interaction.edit_original_response(content=content, attachments=[file(description="alt")])

    await connect(prepare)
    use = await luna.slash("imagine", {"prompt": "a fox", "image": Upload("my fox.png", PIXEL)})
    answer = await use.answer()
    assert answer.content == f"a fox 1x1 image/png {len(PIXEL)}"
    assert [(one.filename, one.description, one.width) for one in answer.attachments] == [("a.png", "alt", 1)]
    assert await server.read(answer.attachments[0]) == PIXEL
    assert not answer.is_loading
    assert answer.edited_at is None


async def test_the_first_follow_up_fills_a_deferred_placeholder_and_later_ones_are_new(connect, luna) -> None:
    """The first follow-up becomes the placeholder's content and keeps who sees it; the next is a message of its own."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.defer(ephemeral=True)
            await interaction.followup.send("first", ephemeral=False)
            await interaction.followup.send("second", ephemeral=False)

    await connect(prepare)
    use = await luna.slash("ask")
    second = await use.follow_up()
    first, *others = use.messages
    assert (first.content, first.ephemeral) == ("first", True)
    assert others == [second]
    assert (second.content, second.ephemeral) == ("second", False)


async def test_a_deleted_placeholder_makes_room_for_an_ephemeral_refusal(connect, world, luna) -> None:
    """After a public deferral, deleting the placeholder lets a follow-up be seen by the member alone."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.defer()
            await interaction.delete_original_response()
            await interaction.followup.send("no", ephemeral=True)

    await connect(prepare)
    use = await luna.slash("ask")
    answer = await use.answer()
    assert answer.ephemeral
    assert use.ephemeral_follow_up() is answer
    assert world.messages(world.channel("pictures").id) == [answer]
    assert luna.messages() == [answer]


async def test_an_ephemeral_answer_is_seen_by_its_member_alone(connect, server, luna) -> None:
    """Nobody else sees it, and the bot cannot reach it through the channel."""

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("psst", ephemeral=True)

    bot = await connect(prepare)
    answer = await (await luna.slash("ask")).answer()
    assert server.member("max").messages() == []
    with pytest.raises(discord.NotFound) as missing:
        await bot.get_channel(answer.channel_id).fetch_message(answer.id)
    assert missing.value.code == 10008


async def test_an_answer_later_than_three_seconds_is_unknown(connect, world, luna) -> None:
    """After three seconds of world time the callback is refused with 10062 and the member reads of a failure."""
    refused = asyncio.get_running_loop().create_future()

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            world.clock.advance(3.5)
            try:
                await interaction.response.send_message("late")
            except discord.NotFound as error:
                refused.set_result(error.code)

    await connect(prepare)
    use = await luna.slash("ask")
    assert await refused == 10062
    assert use.failed
    with pytest.raises(InteractionFailed):
        await use.answer()


async def test_an_interaction_is_acknowledged_once(connect, luna) -> None:
    """A second first response is refused with 40060."""
    refused = asyncio.get_running_loop().create_future()

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("one")
            again = discord.InteractionResponse(interaction)
            try:
                await again.send_message("two")
            except discord.HTTPException as error:
                refused.set_result(error.code)

    await connect(prepare)
    await luna.slash("ask")
    assert await refused == 40060


async def test_the_token_dies_after_fifteen_minutes_but_the_message_stays_editable(connect, world, luna) -> None:
    """Edits and follow-ups through the token end with 50027; the bot token still edits the message."""
    found: dict[str, discord.Interaction] = {}

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            found["it"] = interaction
            await interaction.response.send_message("one")

    bot = await connect(prepare)
    answer = await (await luna.slash("ask")).answer()
    world.clock.advance(14 * 60)
    await found["it"].edit_original_response(content="two")
    world.clock.advance(2 * 60)
    for attempt in (found["it"].edit_original_response(content="three"), found["it"].followup.send("more")):
        with pytest.raises(discord.HTTPException) as refused:
            await attempt
        assert (refused.value.status, refused.value.code) == (401, 50027)
    await bot.get_channel(answer.channel_id).get_partial_message(answer.id).edit(content="four")
    assert answer.content == "four"


async def test_a_failing_bot_leaves_a_member_without_answer(bot, world: World, luna: Member) -> None:
    """Without any acknowledgement the use has failed once three seconds are over."""
    world.commands.create(None, {"name": "ask", "description": "x"})
    sending = asyncio.create_task(luna.slash("ask"))
    await asyncio.sleep(0)
    world.clock.advance(3.1)
    assert (await sending).failed


async def test_what_an_interaction_carries_is_what_the_library_needs(connect, world, luna) -> None:
    """Size limit, permissions of the bot, locale, context and installation are in the payload."""
    seen: dict[str, object] = {}

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            seen.update(
                limit=interaction.filesize_limit,
                send=interaction.app_permissions.send_messages,
                locale=interaction.locale,
                guild=interaction.is_guild_integration(),
                context=interaction.context.guild,
                age=interaction.expires_at - interaction.created_at,
                user=interaction.permissions.send_messages,
            )
            await interaction.response.send_message("ok")

    await connect(prepare)
    await luna.slash("ask", channel="quiet")
    assert seen["limit"] == 10 << 20
    assert seen["send"] is False
    assert seen["locale"] is discord.Locale.american_english
    assert (seen["guild"], seen["context"], seen["user"]) == (True, True, True)
    assert seen["age"].total_seconds() == 900


async def test_defer_fixes_who_sees_the_answer(connect, luna) -> None:
    """The placeholder shows that the application is thinking, to the member alone if it was deferred so."""
    go_on = asyncio.Event()

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.defer(ephemeral=True)
            await go_on.wait()
            await interaction.edit_original_response(content="done")

    await connect(prepare)
    use = await luna.slash("ask")
    assert use.is_thinking
    assert use.interaction.original.flags == MessageFlag.LOADING | MessageFlag.EPHEMERAL
    go_on.set()
    answer = await use.answer()
    assert (answer.content, answer.flags) == ("done", MessageFlag.EPHEMERAL)


@pytest.mark.parametrize(
    ("kind", "how", "fits"),
    [
        (InteractionType.COMMAND, CallbackType.MODAL, True),
        (InteractionType.COMMAND, CallbackType.UPDATE, False),
        (InteractionType.COMMAND, CallbackType.CHOICES, False),
        (InteractionType.COMPONENT, CallbackType.UPDATE, True),
        (InteractionType.AUTOCOMPLETE, CallbackType.DEFER, False),
        (InteractionType.MODAL_SUBMIT, CallbackType.MODAL, False),
        (InteractionType.MODAL_SUBMIT, CallbackType.UPDATE, False),
        (InteractionType.MODAL_SUBMIT, CallbackType.DEFER, True),
    ],
)
def test_each_kind_of_interaction_takes_its_own_answers(world, luna, kind, how, fits) -> None:
    """A form never answers a form, an update needs a message, suggestions answer typing alone."""
    interaction = Interaction(1, "t", kind, {}, luna.user, world.channel("pictures"), world.clock.now())
    try:
        interaction.must_be_answerable(world.clock.now(), how)
    except ApiError as error:
        assert (fits, error.code) == (False, 50035)  # noqa: PT017 - both outcomes are claims
    else:
        assert fits
