"""The world by itself: its clock, ids, permissions, news, and coming back after a stop."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.clock import Clock
from sandbox.default_world import sandbox_world
from sandbox.faults import Fail, Fault
from sandbox.guild import Overwrite
from sandbox.member import ClientRefused, Upload
from sandbox.permissions import ALL, NOTHING, Permission, compute
from sandbox.server import SandboxServer
from sandbox.snowflakes import Snowflakes, made_at


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_ids_grow_and_carry_their_moment(advances: list[int]) -> None:
    """Every id is larger than those before it and names its moment to the millisecond."""
    clock = Clock()
    snowflakes = Snowflakes(clock)
    last = 0
    for seconds in advances:
        clock.advance(seconds)
        before = clock.now()
        made = snowflakes.next()
        assert made > last
        assert before - 0.002 <= made_at(made) <= clock.now() + 0.002
        last = made


async def test_the_clock_wakes_those_who_wait() -> None:
    """A sleeper wakes by an advance or by real time, and time never goes back."""
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep_until(clock.now() + 1000))
    await asyncio.sleep(0)
    clock.advance(999)
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    clock.advance(2)
    await asyncio.wait_for(sleeper, 60)
    began = time.monotonic()
    await clock.sleep_until(clock.now() + 0.05)
    assert time.monotonic() - began >= 0.05
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)


BITS = st.sampled_from([Permission.SEND_MESSAGES, Permission.ATTACH_FILES, Permission.EMBED_LINKS, NOTHING])


@given(everyone=st.tuples(BITS, BITS), role=st.tuples(BITS, BITS), own=st.tuples(BITS, BITS))
def test_overwrites_add_up_as_discord_says(everyone, role, own) -> None:
    """@everyone first, then roles, then the member; in each, what is granted beats what is refused."""
    world = sandbox_world()
    guild, channel, luna = world.guild, world.channel("pictures"), world.user("luna")
    painters = world.add_role(guild, "Painters", NOTHING)
    guild.members[luna.id].role_ids.add(painters.id)
    for target, (allow, deny) in ((guild.id, everyone), (painters.id, role), (luna.id, own)):
        channel.overwrites[target] = Overwrite(allow, deny)
    expected = guild.roles[guild.id].permissions
    for allow, deny in (everyone, role, own):
        expected = expected & ~deny | allow
    if not expected & Permission.SEND_MESSAGES:
        expected &= ~(Permission.ATTACH_FILES | Permission.EMBED_LINKS | Permission.MENTION_EVERYONE)
    assert compute(guild, luna.id, channel) == expected
    assert compute(guild, world.user("ada").id, channel) == ALL


async def test_news_is_told_in_order(world, luna) -> None:
    """A subscriber hears what happens from its beginning on, with the nouns themselves."""
    subscription = world.subscribe()
    said = await luna.say("one")
    await luna.edit(said, "two")
    await luna.delete(said)
    told = [await subscription.next() for _ in range(3)]
    assert [change.kind for change in told] == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]
    assert all(change.subject is said for change in told)
    subscription.close()
    await luna.say("unheard")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(subscription.next(), 0.02)


async def test_waiting_finds_what_is_there_and_what_comes(world, luna) -> None:
    """`wait_for` returns an existing message at once, a later one when it comes, and gives up in time."""
    there = await luna.say("there")
    assert await world.wait_for(lambda message: message.content == "there") is there
    waiting = asyncio.create_task(world.wait_for(lambda message: message.content == "later"))
    await asyncio.sleep(0)
    assert await luna.say("later") is await waiting
    with pytest.raises(TimeoutError):
        await world.wait_for(lambda message: message.content == "never", timeout=0.05)


async def test_a_member_writes_where_they_may(world, luna, server) -> None:
    """The client refuses what Discord's would: no permission, too long, nothing, too large, what is not theirs."""
    quiet = world.channel("quiet")
    world.overwrite(quiet, luna.user, deny=Permission.SEND_MESSAGES)
    said = await server.member("max").say("hi")
    for code, attempt in (
        ("permission", luna.say("x", channel="quiet")),
        ("too_long", luna.say("x" * 2001)),
        ("empty", luna.say("  ")),
        ("too_large", luna.say("x", files=[Upload("a.png", bytes((10 << 20) + 1))])),
        ("permission", luna.delete(said)),
        ("permission", luna.edit(said, "ho")),
    ):
        with pytest.raises(ClientRefused) as refused:
            await attempt
        assert refused.value.code == code


async def test_a_taken_port_is_an_os_error(server) -> None:
    """Whoever starts it can tell the user so."""
    with pytest.raises(OSError, match="in use"):
        await SandboxServer.start(port=server.port)


async def test_a_world_outlives_its_server() -> None:
    """Stopped and started on the same port, everything is still there: an outage that refuses connections."""
    server = await SandboxServer.start()
    luna = server.member("luna")
    said = await luna.say("hi")
    port = server.port
    await server.stop()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.world.token}"}) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{server.api_url}/users/@me")
        async with (
            await SandboxServer.start(server.world, port) as again,
            session.get(f"{again.api_url}/channels/{said.channel_id}/messages/{said.id}") as response,
        ):
            assert response.status == 200


async def test_downloads_can_fail_too(world, luna) -> None:
    """A scripted fault strikes the CDN like any other call."""
    said = await luna.say("", files=[Upload("a.png", b"data")])
    world.faults.add(Fault("GET", r"^/cdn/", Fail(503)))
    async with aiohttp.ClientSession() as session:
        statuses = [(await session.get(said.attachments[0].url)).status for _ in range(2)]
    assert statuses == [503, 200]
