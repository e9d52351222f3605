"""Messages through the real discord.py: nonce, reading without the intent, pings, replies, files, edits, limits."""

from __future__ import annotations

import io

import aiohttp
import discord
import pytest

from sandbox.message import Message
from sandbox.permissions import Permission


def file(name: str = "a.png", data: bytes = b"data", description: str | None = None) -> discord.File:
    """A new file for one sending."""
    return discord.File(io.BytesIO(data), name, description=description)


def in_world(world, sent: discord.Message) -> Message:
    """The world's message behind the library's."""
    found = world.message(sent.id)
    assert found is not None
    return found


async def refused(attempt) -> tuple[int, int]:
    """Status and code of a call that has to fail."""
    with pytest.raises(discord.HTTPException) as error:
        await attempt
    return error.value.status, error.value.code


class TestNonce:
    """`enforce_nonce` makes Create Message safe to repeat for a few minutes."""

    async def test_a_repeated_nonce_returns_the_first_message(self, pictures, world) -> None:
        """Two sends with one nonce are one message, files or not."""
        first = await pictures.send("one", nonce="r1", files=[file()])
        again = await pictures.send("two", nonce="r1", files=[file()])
        assert (again.id, again.content) == (first.id, "one")
        assert len(world.messages(pictures.id)) == 1

    async def test_the_window_ends_after_minutes(self, pictures, world) -> None:
        """A nonce used again after the window posts again."""
        first = await pictures.send("one", nonce="r1")
        world.clock.advance(181)
        assert (await pictures.send("two", nonce="r1")).id != first.id

    async def test_a_deleted_message_is_unknown(self, pictures) -> None:
        """If the first message was deleted meanwhile, the repetition is answered 404."""
        await (await pictures.send("one", nonce="r1")).delete()
        assert await refused(pictures.send("two", nonce="r1")) == (404, 10008)

    async def test_it_may_have_25_characters(self, pictures) -> None:
        """26 are refused."""
        await pictures.send("one", nonce="n" * 25)
        assert await refused(pictures.send("one", nonce="n" * 26)) == (400, 50035)


class TestReading:
    """What a bot without the message-content intent is shown."""

    async def test_a_reply_with_ping_to_an_ordinary_message_is_readable(self, pictures, heard, world, luna) -> None:
        """Text, files and the message replied to are there."""
        sent = await pictures.send("picture", file=file())
        reply = await luna.reply(in_world(world, sent), "make it blue")
        seen = await heard.of(reply)
        assert seen.content == "make it blue"
        assert seen.reference.resolved.attachments[0].filename == "a.png"

    async def test_a_reply_without_ping_is_not(self, pictures, heard, world, luna) -> None:
        """The reply arrives empty, but says what it answers."""
        sent = await pictures.send("picture")
        seen = await heard.of(await luna.reply(in_world(world, sent), "make it blue", ping=False))
        assert seen.content == ""
        assert seen.reference.message_id == sent.id

    async def test_a_reply_to_an_interactions_answer_is_not(self, connect, luna) -> None:
        """Even with ping on: a webhook posted that answer, and a webhook cannot be mentioned."""

        def prepare(bot) -> None:
            @bot.tree.command(description="x")
            async def ask(interaction: discord.Interaction) -> None:
                await interaction.response.send_message("answer")
                await interaction.followup.send("more")

        bot = await connect(prepare)
        use = await luna.slash("ask")
        for message in (await use.answer(), await use.follow_up()):
            reply = await luna.reply(message, "make it blue")
            assert (await bot.get_channel(reply.channel_id).fetch_message(reply.id)).content == ""

    async def test_mentions_and_direct_messages_are(self, bot, heard, world, luna) -> None:
        """Typing the bot's name or writing to it directly is enough."""
        assert (await heard.of(await luna.say(f"hi {world.bot.mention}"))).content.startswith("hi")
        assert (await heard.of(await luna.say("hi there", channel=luna.dm))).content == "hi there"

    async def test_the_rest_api_filters_alike(self, pictures, luna, world) -> None:
        """Fetching a foreign message shows neither text nor files, until the switch in the portal is on."""
        said = await luna.say("secret")
        assert (await pictures.fetch_message(said.id)).content == ""
        world.application.message_content = True
        assert (await pictures.fetch_message(said.id)).content == "secret"


class TestPings:
    """`allowed_mentions` decides who is notified."""

    async def test_everybody_named_is_pinged_by_default(self, pictures, world, luna) -> None:
        """An ordinary message pings whom it names."""
        sent = await pictures.send(luna.user.mention)
        assert in_world(world, sent).pinged == {luna.id}

    async def test_only_the_allowed_are_pinged(self, pictures, world, server, luna) -> None:
        """The list of users wins over the text; nothing allowed is nobody pinged."""
        text = f"{luna.user.mention} {server.member('max').user.mention} @everyone"
        allowed = discord.AllowedMentions(users=[luna.user], everyone=False, roles=False)
        assert in_world(world, await pictures.send(text, allowed_mentions=allowed)).pinged == {luna.id}
        nobody = await pictures.send(text, allowed_mentions=discord.AllowedMentions.none())
        assert in_world(world, nobody).pinged == set()
        assert nobody.mentions == []

    async def test_everyone_needs_the_permission(self, pictures, world) -> None:
        """A bot that may not mention everyone pings nobody with it."""
        assert in_world(world, await pictures.send("@everyone")).pinged == set()
        bot_role = next(role for role in world.guild.roles.values() if role.managed_by)
        bot_role.permissions |= Permission.MENTION_EVERYONE
        pinged = in_world(world, await pictures.send("@everyone")).pinged
        assert pinged == set(world.guild.members) - {world.bot.id}

    async def test_an_edit_pings_nobody(self, pictures, world, luna) -> None:
        """Naming somebody later does not notify them."""
        sent = await pictures.send("soon")
        await sent.edit(content=luna.user.mention)
        assert in_world(world, sent).mentions == [luna.user]
        assert in_world(world, sent).pinged == set()

    async def test_a_reply_pings_if_it_is_allowed_to(self, pictures, world, luna) -> None:
        """`replied_user` decides."""
        said = await luna.say("hi")
        for wanted in (True, False):
            reference = discord.MessageReference(message_id=said.id, channel_id=pictures.id)
            sent = await pictures.send("hello", reference=reference, mention_author=wanted)
            assert in_world(world, sent).pinged == ({luna.id} if wanted else set())


class TestReplies:
    """Message references."""

    async def test_a_reply_into_another_channel_is_refused(self, bot, pictures, world) -> None:
        """A reference to a message of another channel is a form error, even when it need not exist."""
        elsewhere = await bot.get_channel(world.channel("lounge").id).send("there")
        for must_exist in (True, False):
            reference = discord.MessageReference(
                message_id=elsewhere.id, channel_id=elsewhere.channel.id, fail_if_not_exists=must_exist
            )
            with pytest.raises(discord.HTTPException, match="Unknown message") as error:
                await pictures.send("here", reference=reference)
            assert (error.value.status, error.value.code) == (400, 50035)

    async def test_a_deleted_message_fails_the_reply_unless_told_not_to(self, pictures, luna) -> None:
        """`fail_if_not_exists: false` posts without a reference."""
        said = await luna.say("hi")
        await luna.delete(said)
        strict = discord.MessageReference(message_id=said.id, channel_id=pictures.id)
        assert await refused(pictures.send("hello", reference=strict)) == (400, 50035)
        lax = discord.MessageReference(message_id=said.id, channel_id=pictures.id, fail_if_not_exists=False)
        assert (await pictures.send("hello", reference=lax)).reference is None

    async def test_a_reply_needs_to_read_the_history(self, pictures, world, luna) -> None:
        """Without it the reply is refused with 160002, a plain message is not."""
        said = await luna.say("hi")
        world.overwrite(world.channel("pictures"), world.bot, deny=Permission.READ_MESSAGE_HISTORY)
        reference = discord.MessageReference(message_id=said.id, channel_id=pictures.id)
        assert await refused(pictures.send("hello", reference=reference)) == (403, 160002)
        await pictures.send("hello")


class TestPermissions:
    """What roles and overwrites refuse."""

    async def test_a_channel_it_may_not_write_in(self, bot, world) -> None:
        """#quiet lets the bot read only."""
        quiet = bot.get_channel(world.channel("quiet").id)
        assert await refused(quiet.send("hi")) == (403, 50013)
        assert quiet.permissions_for(quiet.guild.me).send_messages is False

    async def test_a_channel_it_cannot_see(self, pictures, world) -> None:
        """Without VIEW_CHANNEL everything is 50001, and nothing is told of it."""
        world.overwrite(world.channel("pictures"), world.bot, deny=Permission.VIEW_CHANNEL)
        assert await refused(pictures.send("hi")) == (403, 50001)
        assert await refused(pictures.fetch_message(1)) == (403, 50001)

    async def test_files_need_their_own_permission(self, pictures, world) -> None:
        """Text goes, files do not."""
        world.overwrite(world.channel("pictures"), world.bot, deny=Permission.ATTACH_FILES)
        await pictures.send("hi")
        assert await refused(pictures.send("hi", file=file())) == (403, 50013)

    async def test_foreign_messages(self, pictures, luna) -> None:
        """They can be neither edited (50005) nor, without the permission, deleted (50013)."""
        said = pictures.get_partial_message((await luna.say("hi")).id)
        assert await refused(said.edit(content="ho")) == (403, 50005)
        assert await refused(said.delete()) == (403, 50013)

    async def test_closed_direct_messages(self, bot, world, luna) -> None:
        """A member who takes none, or shares no guild, is out of reach."""
        user = await bot.fetch_user(luna.id)
        assert (await user.send("hi")).content == "hi"
        luna.close_dms()
        assert await refused(user.send("hi")) == (403, 50007)
        luna.open_dms()
        del world.guild.members[luna.id]
        assert await refused(user.send("hi")) == (403, 50278)


class TestFiles:
    """Attachments, embeds and Components V2."""

    async def test_an_edit_keeps_only_the_files_it_lists(self, pictures, world, server) -> None:
        """A list of attachments is the whole truth; without one all stay. Dropped files soon leave the CDN."""
        sent = await pictures.send(files=[file("a.png"), file("b.png")])
        message = in_world(world, sent)
        await sent.edit(content="text")
        assert [one.filename for one in message.attachments] == ["a.png", "b.png"]
        dropped = message.attachments[0]
        await sent.edit(attachments=[sent.attachments[1], file("c.png")])
        assert [one.filename for one in message.attachments] == ["b.png", "c.png"]
        assert await server.read(dropped), "whoever saw the message may still be loading it"
        world.clock.advance(61)
        await sent.edit(attachments=[])
        with pytest.raises(LookupError):
            await server.read(dropped)

    async def test_files_shown_by_components_are_no_attachments(self, pictures, world, server) -> None:
        """In a V2 message the files are found in the gallery, and `attachments` is empty."""
        view = discord.ui.LayoutView()
        item = discord.MediaGalleryItem("attachment://a.png", description="alt")
        view.add_item(discord.ui.MediaGallery(item))
        sent = await pictures.send(view=view, file=file())
        seen = await pictures.fetch_message(sent.id)
        assert seen.attachments == []
        assert seen.flags.value == 1 << 15
        media = seen.components[0].items[0].media
        assert media.attachment_id == in_world(world, sent).files[0].id
        assert media.url.startswith(world.cdn.base_url)

    async def test_files_shown_by_embeds_are_no_attachments(self, pictures) -> None:
        """An embed's image takes its file out of the list and gets a link."""
        embed = discord.Embed(title="t").set_image(url="attachment://a.png")
        sent = await pictures.send(embed=embed, files=[file("a.png"), file("b.png")])
        assert [one.filename for one in sent.attachments] == ["b.png"]
        assert sent.embeds[0].image.url.startswith("http://127.0.0.1")

    async def test_components_that_name_no_file_are_refused(self, pictures) -> None:
        """`attachment://` must point to a file of the message."""
        view = discord.ui.LayoutView()
        view.add_item(discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://other.png")))
        assert await refused(pictures.send(view=view, file=file())) == (400, 50035)

    async def test_v2_takes_no_content_and_stays(self, pictures, bot) -> None:
        """Content is refused beside the flag, and an edit can add the flag but not take it away."""
        text = {"flags": 1 << 15, "components": [{"type": 10, "content": "hello"}]}
        route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=pictures.id)
        assert await refused(bot.http.request(route, json={**text, "content": "x"})) == (400, 50035)
        sent = await pictures.send("plain")
        route = discord.http.Route(
            "PATCH", "/channels/{channel_id}/messages/{message_id}", channel_id=pictures.id, message_id=sent.id
        )
        assert await refused(bot.http.request(route, json=text)) == (400, 50035)
        changed = await bot.http.request(route, json={**text, "content": None, "embeds": []})
        assert (changed["flags"], changed["content"]) == (1 << 15, "")
        assert await refused(bot.http.request(route, json={"flags": 0, "content": "x"})) == (400, 50035)

    async def test_too_large_is_413(self, pictures, world) -> None:
        """One file over the limit, or too much together, is 40005."""
        world.upload_limit_bytes = 1000
        await pictures.send(file=file(data=bytes(1000)))
        assert await refused(pictures.send(file=file(data=bytes(1001)))) == (413, 40005)
        world.upload_limit_bytes = None
        eight = [file(f"{i}.png", bytes(9 << 20)) for i in range(3)]
        assert await refused(pictures.send(files=eight)) == (413, 40005)

    async def test_eleven_files_are_refused(self, pictures) -> None:
        """Ten is the most."""
        await pictures.send(files=[file(f"{i}.png") for i in range(10)])
        route_files = [file(f"{i}.png") for i in range(11)]
        with pytest.raises((discord.HTTPException, ValueError)):
            await pictures.send(files=route_files)


class TestEditing:
    """Old and archived messages."""

    async def test_messages_older_than_an_hour_take_few_edits(self, pictures, world) -> None:
        """Young messages are edited freely, old ones end in 30046."""
        sent = await pictures.send("0")
        for count in range(8):
            await sent.edit(content=str(count))
        world.clock.advance(3700)
        for count in range(5):
            await sent.edit(content=f"old {count}")
        response = await _raw_edit(world, sent)
        assert response == (429, 30046)

    async def test_nothing_left_is_refused(self, pictures) -> None:
        """An edit that leaves an empty message is 50006, and so is an empty message."""
        sent = await pictures.send("x")
        assert await refused(sent.edit(content=None)) == (400, 50006)
        assert await refused(pictures.send()) == (400, 50006)

    async def test_history_pages(self, pictures) -> None:
        """Newest first, and the query's edges are exclusive."""
        sent = [await pictures.send(str(i)) for i in range(5)]
        assert [m.content async for m in pictures.history(limit=2)] == ["4", "3"]
        assert [m.content async for m in pictures.history(before=sent[2])] == ["1", "0"]
        assert [m.content async for m in pictures.history(after=sent[2])] == ["3", "4"]

    async def test_old_ids_are_told_from_new_ones(self, pictures, world) -> None:
        """An id carries the world's time, so age can be read from it."""
        sent = await pictures.send("x")
        world.clock.advance(1000)
        later = await pictures.send("y")
        assert 999 < (later.created_at - sent.created_at).total_seconds() < 1010


async def _raw_edit(world, sent: discord.Message) -> tuple[int, int]:
    """One edit without the library's own waiting."""
    url = f"{world.cdn.base_url}/api/v10/channels/{sent.channel.id}/messages/{sent.id}"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {world.token}"}) as session,
        session.patch(url, json={"content": "z"}) as response,
    ):
        return response.status, (await response.json())["code"]
