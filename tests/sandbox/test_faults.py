"""Rate limits and scripted faults, as the real discord.py and a bare client meet them."""

from __future__ import annotations

import asyncio
import io
import time

import aiohttp
import discord
import pytest

from sandbox.clock import Clock
from sandbox.faults import Delay, Disconnect, Fail, Fault, TooMany
from sandbox.rate_limits import RateLimits

MESSAGES = r"/channels/\d+/messages$"


class Caller:
    """A client without any cleverness."""

    def __init__(self, server, session: aiohttp.ClientSession) -> None:
        self._server, self._session = server, session

    async def __call__(self, method: str, path: str, **options) -> tuple[int, dict, object]:
        headers = {"Authorization": f"Bot {self._server.world.token}", **options.pop("headers", {})}
        async with self._session.request(method, self._server.api_url + path, headers=headers, **options) as response:
            json = response.headers.get("Content-Type") == "application/json"
            return response.status, dict(response.headers), await (response.json() if json else response.text())

    async def post(self, content: str = "x", channel: str = "pictures") -> tuple[int, dict, object]:
        """Create a message."""
        channel_id = self._server.world.channel(channel).id
        return await self("POST", f"/channels/{channel_id}/messages", json={"content": content})


@pytest.fixture
async def call(server):
    """A bare client with the bot's token."""
    async with aiohttp.ClientSession() as session:
        yield Caller(server, session)


async def test_json_has_exactly_one_content_type(call) -> None:
    """No charset: discord.py reads nothing else as JSON. Errors are JSON too."""
    for path in ("/users/@me", "/users/1", "/nowhere"):
        _, headers, _ = await call("GET", path)
        assert headers["Content-Type"] == "application/json"


async def test_unknown_routes_and_missing_tokens(call) -> None:
    """404 and 401 in Discord's words; interaction routes need no token but a true one of their own."""
    assert (await call("GET", "/nowhere"))[2] == {"message": "404: Not Found", "code": 0}
    status, _, body = await call("GET", "/users/@me", headers={"Authorization": "Bot x"})
    assert (status, body) == (401, {"message": "401: Unauthorized", "code": 0})
    status, _, body = await call("POST", "/webhooks/1/x", json={"content": "x"}, headers={"Authorization": ""})
    assert (status, body["code"]) == (404, 10015)
    status, _, body = await call("POST", "/interactions/1/x/callback", json={"type": 5}, headers={"Authorization": ""})
    assert (status, body["code"]) == (404, 10062)


async def test_invalid_json_is_said(call, world) -> None:
    """A broken body is 50109, no server error."""
    status, _, body = await call("POST", f"/channels/{world.channel('pictures').id}/messages", data=b"{")
    assert (status, body["code"]) == (400, 50109)


async def test_buckets_belong_to_a_route_and_a_channel(call, world) -> None:
    """The limit of one channel leaves the other alone; headers count down; a 429 says how long to wait."""
    world.rate_limits.set("POST", MESSAGES, 2, 60.0)
    remaining = [(await call.post())[1]["X-RateLimit-Remaining"] for _ in range(2)]
    assert remaining == ["1", "0"]
    status, headers, body = await call.post()
    assert status == 429
    assert headers["Via"]
    assert headers["X-RateLimit-Scope"] == "user"
    assert 59 < body["retry_after"] <= 60
    assert (await call.post(channel="lounge"))[0] == 200
    world.clock.advance(61)
    assert (await call.post())[0] == 200


class StoppedClock(Clock):
    """A clock that moves by advances alone."""

    def __init__(self) -> None:
        super().__init__()
        self._now = super().now()

    def now(self) -> float:
        """The same moment until somebody advances it."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds


def test_the_global_limit_spares_interactions() -> None:
    """The 51st call of a second is refused, but for interaction endpoints; a second later all is well."""
    clock = StoppedClock()
    limits = RateLimits(clock)
    verdicts = [limits.count("GET", f"/users/{i}", is_interaction=False) for i in range(51)]
    assert [verdict.retry_after_s for verdict in verdicts] == [None] * 50 + [1.0]
    assert (verdicts[-1].scope, verdicts[-1].headers["X-RateLimit-Global"]) == ("global", "true")
    assert limits.count("POST", "/webhooks/1/x", is_interaction=True).retry_after_s is None
    clock.advance(1)
    assert limits.count("GET", "/users/1", is_interaction=False).retry_after_s is None


async def test_a_global_429_says_so(call, world) -> None:
    """Body and headers tell a client to stop everything."""
    world.rate_limits.global_per_s = 0
    status, headers, body = await call("GET", "/users/@me")
    assert (status, body["global"], headers["X-RateLimit-Scope"]) == (429, True, "global")
    assert (await call("POST", "/interactions/1/x/callback", json={"type": 5}))[0] == 404


async def test_the_library_waits_out_a_429(pictures, world, server) -> None:
    """discord.py sleeps as told and sends again; one message results."""
    world.faults.add(Fault("POST", MESSAGES, TooMany(0.2)))
    began = time.monotonic()
    await pictures.send("hi")
    assert time.monotonic() - began >= 0.2
    assert len(world.messages(pictures.id)) == 1
    assert server.rest.count(429) == 1


async def test_a_429_without_via_is_a_ban(pictures, world) -> None:
    """discord.py gives up at once when Cloudflare answers."""
    world.faults.add(Fault("POST", MESSAGES, TooMany(1, via=False)))
    with pytest.raises(discord.HTTPException) as error:
        await pictures.send("hi")
    assert error.value.status == 429


async def test_a_502_after_the_commit_is_healed_by_the_nonce(pictures, world) -> None:
    """The message is there although the answer was an error; repeating with the nonce does not double it."""
    fault = world.faults.add(Fault("POST", MESSAGES, Fail(502, after_commit=True)))
    sent = await pictures.send("hi", nonce="r1")
    assert fault.hits == 1
    assert [message.id for message in world.messages(pictures.id)] == [sent.id]


async def test_without_a_nonce_the_same_fault_doubles(call, world) -> None:
    """The fault is real: nothing but the nonce protects a client that repeats itself."""
    world.faults.add(Fault("POST", MESSAGES, Fail(502, after_commit=True)))
    assert [(await call.post())[0] for _ in range(2)] == [502, 200]
    assert len(world.messages(world.channel("pictures").id)) == 2


@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_cut_connection_before_and_after_the_commit(call, world, after_commit) -> None:
    """The caller learns nothing; whether the message exists depends on when the line was cut."""
    world.faults.add(Fault("POST", MESSAGES, Disconnect(after_commit)))
    with pytest.raises(aiohttp.ClientError):
        await call.post()
    assert len(world.messages(world.channel("pictures").id)) == after_commit


async def test_a_refused_upload_is_read_to_its_end(call, world) -> None:
    """A fault answers a large upload with its status, not with a broken pipe."""
    world.faults.add(Fault("POST", MESSAGES, Fail(500)))
    form = aiohttp.FormData({"payload_json": '{"content":"x"}'})
    form.add_field("files[0]", io.BytesIO(bytes(5 << 20)), filename="a.png")
    status, _, _ = await call("POST", f"/channels/{world.channel('pictures').id}/messages", data=form)
    assert status == 500


async def test_faults_strike_the_nth_call_a_number_of_times(call, world) -> None:
    """`nth` skips, `count` ends."""
    world.faults.add(Fault("POST", MESSAGES, Fail(500), nth=2, count=2))
    assert [(await call.post())[0] for _ in range(4)] == [200, 500, 500, 200]


async def test_a_probability_is_repeatable(call, world) -> None:
    """The same seed strikes the same calls."""

    async def strikes() -> list[int]:
        world.faults.clear()
        world.faults.add(Fault("GET", "/users/@me$", Fail(500), count=None, probability=0.5, seed=7))
        return [(await call("GET", "/users/@me"))[0] for _ in range(12)]

    first = await strikes()
    assert first == await strikes()
    assert set(first) == {200, 500}


async def test_an_outage_ends_with_its_time(call, world) -> None:
    """Everything fails for as long as it lasts on the world's clock."""
    world.faults.outage(30)
    assert (await call("GET", "/users/@me"))[0] == 503
    assert (await call.post())[0] == 503
    world.clock.advance(31)
    assert (await call.post())[0] == 200


async def test_a_delay_holds_a_call_back(call, world) -> None:
    """Before the commit nothing has happened yet; after it, only the answer is late."""
    channel_id = world.channel("pictures").id
    early = world.faults.add(Fault("POST", MESSAGES, Delay(1)))
    sending = asyncio.create_task(call.post())
    await world.hub.until(lambda: early.hits or None, timeout=60)
    assert world.messages(channel_id) == []
    await sending
    world.faults.add(Fault("POST", MESSAGES, Delay(0.3, after_commit=True)))
    sending = asyncio.create_task(call.post())
    await world.hub.until(lambda: len(world.messages(channel_id)) > 1 or None, timeout=60)
    assert not sending.done()
    await sending


async def test_calls_are_logged(call, server) -> None:
    """Tests read from the log what a bot called, with the status it got."""
    await call("GET", "/users/@me")
    await call("GET", "/users/1")
    assert [(one.method, one.path, one.status) for one in server.calls] == [
        ("GET", "/users/@me", 200),
        ("GET", "/users/1", 404),
    ]
