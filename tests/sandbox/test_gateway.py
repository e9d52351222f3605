"""The gateway through the real discord.py, and by hand where a library would hide the answer."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import discord
import pytest

from sandbox.gateway_session import RESUMABLE_S


async def test_login_tells_who_and_where(bot, world) -> None:
    """The bot knows itself, its guild with roles and channels, and its own rights."""
    guild = bot.get_guild(world.guild.id)
    assert bot.user.id == world.application_id == bot.application_id
    assert {channel.name for channel in guild.text_channels} == {"pictures", "lounge", "quiet"}
    assert guild.me.guild_permissions.attach_files
    assert guild.self_role is not None
    assert guild.member_count == len(world.guild.members)


async def test_a_wrong_token_is_refused_by_both_doors(connect, server) -> None:
    """REST answers 401, the gateway closes with 4004."""
    with pytest.raises(discord.LoginFailure):
        await connect(token="wrong")
    assert await close_code(server, {"op": 2, "d": {"token": "wrong", "intents": 0}}) == 4004


async def test_privileged_intents_need_the_switch(connect, world) -> None:
    """Asking for message content without it closes with 4014; with it the text of every message is there."""
    asked = discord.Intents(guilds=True, guild_messages=True, message_content=True)
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await connect(intents=asked)
    world.application.message_content = True
    assert (await connect(intents=asked)).intents.message_content


@pytest.mark.parametrize(
    ("payloads", "code"),
    [
        (["not json"], 4002),
        ([{"op": 3, "d": {}}], 4003),
        ([{"op": 2, "d": {"token": "TOKEN", "intents": 1}}] * 2, 4005),
        ([{"op": 2, "d": {"token": "TOKEN", "intents": 1, "shard": [2, 2]}}], 4010),
        ([{"op": 2, "d": {"token": "TOKEN", "intents": 1 << 40}}], 4013),
        ([{"op": 2, "d": {"token": "TOKEN", "intents": 1}}, {"op": 99}], 4001),
        ([{"op": 1, "d": None}] * 121, 4008),
    ],
)
async def test_wrong_payloads_close_with_their_code(server, payloads, code) -> None:
    """Each mistake has Discord's close code."""
    assert await close_code(server, *payloads) == code


async def close_code(server, *payloads) -> int:
    """Send payloads after HELLO and return the code the gateway closes with."""
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url) as socket:
        assert (await socket.receive_json())["op"] == 10
        for payload in payloads:
            text = payload if isinstance(payload, str) else json.dumps(payload)
            await socket.send_str(text.replace("TOKEN", server.world.token))
        while (await socket.receive(timeout=60)).type != aiohttp.WSMsgType.CLOSE:
            pass
        return socket.close_code


async def test_a_cut_connection_is_resumed_and_nothing_is_missed(bot, server, world, heard, luna) -> None:
    """Messages written while the line was down arrive after the RESUME, in order and once."""
    await heard.of(await luna.say(f"before {world.bot.mention}"))
    resumed = asyncio.Event()

    async def on_shard_resumed(_: int) -> None:
        resumed.set()

    bot.add_listener(on_shard_resumed)
    world.faults.cut_gateway()
    missed = await luna.say(f"meanwhile {world.bot.mention}")
    async with asyncio.timeout(60):
        await resumed.wait()
    assert (await heard.of(missed)).content.startswith("meanwhile")
    assert [message.id for message in heard.messages].count(missed.id) == 1
    assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)


async def test_an_asked_for_reconnect_is_a_resume(bot, server, world) -> None:
    """Op 7 makes the library come back to the same session at the address READY named."""
    world.faults.reconnect_gateway()
    await world.hub.until(lambda: server.gateway.resumes == 1 or None, timeout=60)
    assert server.gateway.identifies == 1


async def test_a_session_ends_minutes_after_its_connection(server, world) -> None:
    """A RESUME that comes too late, or for no session, is answered with op 9."""
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(server.gateway_url) as socket:
            await socket.receive_json()
            await socket.send_json({"op": 2, "d": {"token": world.token, "intents": 1}})
            ready = await socket.receive_json()
            session_id = ready["d"]["session_id"]
            assert (await socket.receive_json())["t"] == "GUILD_CREATE"
            await socket.close(code=4000)
        await world.hub.until(lambda: not server.gateway.is_connected or None, timeout=60)
        resume = {"op": 6, "d": {"token": world.token, "session_id": session_id, "seq": 1}}
        async with http.ws_connect(ready["d"]["resume_gateway_url"]) as socket:
            await socket.receive_json()
            await socket.send_json(resume)
            assert [(await socket.receive_json())["t"] for _ in range(2)] == ["GUILD_CREATE", "RESUMED"]
            await socket.close(code=4000)
        await world.hub.until(lambda: not server.gateway.is_connected or None, timeout=60)
        world.clock.advance(RESUMABLE_S + 1)
        async with http.ws_connect(server.gateway_url) as socket:
            await socket.receive_json()
            await socket.send_json(resume)
            invalid = await socket.receive_json()
            assert (invalid["op"], invalid["d"]) == (9, False)


async def test_an_event_can_come_twice_or_never(bot, heard, world, luna) -> None:
    """Scripted faults duplicate and lose events; the next ones are whole again."""
    world.faults.duplicate("MESSAGE_CREATE")
    twice = await luna.say("twice")
    world.faults.lose("MESSAGE_CREATE")
    never = await luna.say("never")
    last = await luna.say("last")
    await heard.of(last)
    ids = [message.id for message in heard.messages]
    assert (ids.count(twice.id), ids.count(never.id), ids.count(last.id)) == (2, 0, 1)


async def test_events_follow_intents(connect, world, luna) -> None:
    """Without the guild-messages intent no message of a guild is heard; direct ones are."""
    heard: list[int] = []

    def prepare(bot) -> None:
        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            heard.append(message.id)

    await connect(prepare, intents=discord.Intents(guilds=True, dm_messages=True))
    await luna.say("guild")
    direct = await luna.say("direct", channel=luna.dm)
    await world.hub.until(lambda: heard or None, timeout=60)
    assert heard == [direct.id]


async def test_ephemeral_answers_reach_their_bot_like_direct_messages(connect, world, luna) -> None:
    """The event of an ephemeral message names no guild, so a listener for guild messages is not fooled."""
    seen: list[discord.Message] = []

    def prepare(bot) -> None:
        @bot.tree.command(description="x")
        async def ask(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("psst", ephemeral=True)

        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            seen.append(message)

    await connect(prepare)
    await (await luna.slash("ask")).answer()
    await world.hub.until(lambda: seen or None, timeout=60)
    assert (seen[0].guild, seen[0].content, seen[0].flags.ephemeral) == (None, "psst", True)


async def test_edits_and_deletions_are_told(bot, pictures, world) -> None:
    """Raw events of both carry the ids a bot needs."""
    told: dict[str, int] = {}

    async def on_raw_message_edit(payload: discord.RawMessageUpdateEvent) -> None:
        told["edit"] = payload.message_id

    async def on_raw_message_delete(payload: discord.RawMessageDeleteEvent) -> None:
        told["delete"] = payload.message_id

    bot.add_listener(on_raw_message_edit)
    bot.add_listener(on_raw_message_delete)
    sent = await pictures.send("x")
    await sent.edit(content="y")
    await sent.delete()
    await world.hub.until(lambda: told == {"edit": sent.id, "delete": sent.id} or None, timeout=60)


async def test_threads_are_told(pictures, bot, world) -> None:
    """A new thread is in the library's cache, an archived one is marked."""
    thread = await (await pictures.send("x")).create_thread(name="t", auto_archive_duration=60)
    await world.hub.until(lambda: pictures.guild.get_thread(thread.id) or None, timeout=60)
    world.clock.advance(3700)

    def is_archived() -> bool:
        cached = pictures.guild.get_thread(thread.id)
        return cached is None or cached.archived

    await world.hub.until(lambda: is_archived() or None, timeout=60)


async def test_members_are_sent_when_asked_for_by_name(bot, world, luna) -> None:
    """Single members can be asked for without the privileged intent."""
    found = await bot.get_guild(world.guild.id).query_members("lun")
    assert [member.id for member in found] == [luna.id]


async def test_a_new_session_starts_after_an_invalid_one(bot, server, world, monkeypatch) -> None:
    """Told that its session is invalid, the library identifies anew and hears commands again."""

    async def at_once(*_: object, **__: object) -> None:
        """The library waits five seconds here, for Discord's sake."""

    monkeypatch.setattr(bot, "before_identify_hook", at_once)
    world.faults.invalidate_sessions()
    gateway = server.gateway
    await world.hub.until(lambda: (gateway.identifies == 2 and gateway.is_connected) or None, timeout=60)
    assert gateway.resumes == 0
