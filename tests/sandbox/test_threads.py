"""Threads through the real discord.py: opening, archiving, their codes and permissions."""

from __future__ import annotations

import discord
import pytest

from sandbox.faults import Fail, Fault
from sandbox.message import MessageType
from sandbox.permissions import Permission


async def refused(attempt) -> tuple[int, int]:
    """Status and code of a call that has to fail."""
    with pytest.raises(discord.HTTPException) as error:
        await attempt
    return error.value.status, error.value.code


async def test_a_thread_has_the_id_of_its_message(pictures, world, luna) -> None:
    """The message knows its thread, the thread begins with a note that points to the message."""
    sent = await pictures.send("status")
    thread = await sent.create_thread(name="a fox", auto_archive_duration=60)
    message = world.message(sent.id)
    assert thread.id == sent.id
    assert message.thread is world.channel("a fox")
    assert world.is_thread(thread.id)
    assert world.threads(pictures.id) == [message.thread]
    assert world.starter(thread.id) is message
    [note] = world.messages(thread.id)
    assert (note.type, note.reference_id) == (MessageType.THREAD_STARTER_MESSAGE, sent.id)
    assert (await pictures.fetch_message(sent.id)).thread.id == thread.id
    posted = await thread.send("result")
    assert (await luna.reply(world.message(posted.id), "again")).channel_id == thread.id


async def test_a_second_thread_on_one_message_is_160004(pictures) -> None:
    """A message has one thread, also once that was deleted for everybody's eyes but the id's."""
    sent = await pictures.send("status")
    await sent.create_thread(name="one")
    assert await refused(pictures.get_partial_message(sent.id).create_thread(name="two")) == (400, 160004)


async def test_too_many_threads_is_160006(pictures, world) -> None:
    """By count, and by a scripted fault."""
    world.max_active_threads = 1
    await (await pictures.send("one")).create_thread(name="one")
    assert await refused((await pictures.send("two")).create_thread(name="two")) == (400, 160006)
    world.max_active_threads = 1000
    world.faults.add(Fault("POST", r"/threads$", Fail(400, 160006)))
    three = await pictures.send("three")
    assert await refused(three.create_thread(name="three")) == (400, 160006)
    await three.create_thread(name="three")


async def test_a_silent_thread_is_archived_and_sending_opens_it(pictures, world) -> None:
    """After its idle time a thread refuses edits with 50083; a new message opens it again."""
    thread = await (await pictures.send("status")).create_thread(name="t", auto_archive_duration=60)
    posted = await thread.send("result")
    world.clock.advance(59 * 60)
    await posted.edit(content="still open")
    world.clock.advance(2 * 60)
    state = world.channel("t").thread
    assert state.archived
    assert await refused(posted.edit(content="late")) == (400, 50083)
    assert await refused(posted.add_reaction("👍")) == (400, 50083)
    await thread.send("hello again")
    assert not state.archived
    await posted.edit(content="late")


async def test_threads_ask_for_their_own_permissions(bot, pictures, world) -> None:
    """Opening needs CREATE_PUBLIC_THREADS; posting inside needs SEND_MESSAGES_IN_THREADS and not SEND_MESSAGES."""
    sent = await pictures.send("status")
    channel = world.channel("pictures")
    world.overwrite(channel, world.bot, deny=Permission.CREATE_PUBLIC_THREADS)
    assert await refused(sent.create_thread(name="t")) == (403, 50013)
    world.overwrite(channel, world.bot, deny=Permission.SEND_MESSAGES)
    thread = await sent.create_thread(name="t")
    await thread.send("inside")
    assert await refused(pictures.send("outside")) == (403, 50013)
    world.overwrite(channel, world.bot, deny=Permission.SEND_MESSAGES_IN_THREADS)
    assert await refused(thread.send("inside")) == (403, 50013)


async def test_threads_belong_under_text_channels(bot, pictures, luna) -> None:
    """Neither a thread nor a direct message can have threads (50024)."""
    thread = await (await pictures.send("status")).create_thread(name="t")
    inner = await thread.send("inside")
    route = discord.http.Route(
        "POST", "/channels/{channel_id}/messages/{message_id}/threads", channel_id=thread.id, message_id=inner.id
    )
    assert await refused(bot.http.request(route, json={"name": "x"})) == (400, 50024)
    said = await (await bot.fetch_user(luna.id)).send("hi")
    route = discord.http.Route(
        "POST", "/channels/{channel_id}/messages/{message_id}/threads", channel_id=said.channel.id, message_id=said.id
    )
    assert await refused(bot.http.request(route, json={"name": "x"})) == (400, 50024)


async def test_a_thread_without_a_message(pictures, world) -> None:
    """A public thread leaves a note in its channel."""
    thread = await pictures.create_thread(name="talk", type=discord.ChannelType.public_thread)
    [note] = world.messages(pictures.id)
    assert (note.type, note.content) == (MessageType.THREAD_CREATED, "talk")
    assert thread.id != note.id


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 101}, {"name": "x", "auto_archive_duration": 61}])
async def test_a_threads_name_and_idle_time_are_checked(bot, pictures, body) -> None:
    """1-100 characters, and one of four idle times."""
    sent = await pictures.send("status")
    route = discord.http.Route(
        "POST", "/channels/{channel_id}/messages/{message_id}/threads", channel_id=pictures.id, message_id=sent.id
    )
    assert await refused(bot.http.request(route, json=body)) == (400, 50035)


async def test_the_bot_archives_locks_and_deletes_by_its_rights(pictures, world) -> None:
    """Its own thread it may archive; locking and deleting ask for MANAGE_THREADS."""
    thread = await (await pictures.send("status")).create_thread(name="t")
    await thread.edit(archived=True)
    assert world.channel("t").thread.archived
    assert await refused(thread.edit(locked=True, archived=False)) == (403, 50013)
    assert await refused(thread.delete()) == (403, 50013)
    world.overwrite(world.channel("pictures"), world.bot, allow=Permission.MANAGE_THREADS)
    await thread.delete()
    assert world.threads(pictures.id) == []


async def test_a_deleted_channel_is_unknown(pictures, world) -> None:
    """Once it is gone everything in it is 10003."""
    world.remove_channel(world.channel("pictures"))
    assert await refused(pictures.send("hi")) == (404, 10003)
