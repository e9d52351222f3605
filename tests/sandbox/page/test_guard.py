"""Nobody drives the page but the browser that opened the printed address: not other sites, names or machines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from sandbox.server import SandboxServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(server: SandboxServer) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser's HTTP that has not opened the page yet."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


def origin(server: SandboxServer) -> str:
    """Where the page comes from."""
    return f"http://127.0.0.1:{server.port}"


async def test_the_printed_address_opens_the_page_and_keeps_its_key_to_itself(visitor, server) -> None:
    """The key becomes a cookie no script and no other site can use, and leaves the address."""
    answer = await visitor.get(server.page_url)
    assert (answer.status, str(answer.url)) == (200, f"{origin(server)}/page/")
    assert "<!doctype html>" in await answer.text()
    cookie = answer.history[0].headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("path", ["/page/", "/page/live?as=luna", "/page/faults", "/page/static/js/main.js"])
async def test_without_the_key_nothing_opens(visitor, server, path) -> None:
    """Neither the page nor its data."""
    assert (await visitor.get(origin(server) + path)).status == 403


async def test_a_wrong_key_opens_nothing(visitor, server) -> None:
    """A guess is refused like no key at all."""
    assert (await visitor.get(f"{origin(server)}/page/?key=guess")).status == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.5", "127.0.0.1.evil.example"])
async def test_a_name_pointed_at_loopback_is_turned_away(visitor, server, host) -> None:
    """DNS rebinding comes with its own name in Host, whatever key it brings."""
    assert (await visitor.get(server.page_url, headers={"Host": host}, allow_redirects=False)).status == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}]
)
async def test_another_site_cannot_act(visitor, server, headers) -> None:
    """A request that changes something has to name the page's own origin, with the cookie or without."""
    await visitor.get(server.page_url)
    before = len(server.world.messages(server.world.channel("lounge").id))
    body = {"channel": str(server.world.channel("lounge").id), "text": "forged"}
    answer = await visitor.post(f"{origin(server)}/page/as/luna/say", json=body, headers=headers)
    assert answer.status == 403
    assert len(server.world.messages(server.world.channel("lounge").id)) == before


async def test_another_site_cannot_listen(visitor, server) -> None:
    """Browsers let any page open a WebSocket anywhere; this one answers its own page only."""
    await visitor.get(server.page_url)
    url = URL(origin(server)).with_scheme("ws") / "page/live"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await visitor.ws_connect(url.with_query({"as": "luna"}), origin="https://evil.example")
    assert refused.value.status == 403
    async with visitor.ws_connect(url.with_query({"as": "luna"}), origin=origin(server)) as socket:
        assert (await socket.receive_json())["type"] == "everything"


async def test_the_page_may_load_nothing_from_elsewhere(visitor, server) -> None:
    """The policy allows scripts and styles from here alone, no inline ones, and no frame around it."""
    policy = (await visitor.get(server.page_url)).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_what_members_upload_runs_nowhere(visitor, server) -> None:
    """A picture that carries script is served so that it has no origin and may run nothing."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    stored = server.world.cdn.keep(server.world.channel("lounge").id, "a.svg", svg)
    await visitor.get(server.page_url)
    for url in (f"{origin(server)}/page/files/{stored.id}/a.svg", stored.url):
        headers = (await visitor.get(url)).headers
        assert headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("member", "status"), [("nobody", 404), ("FLUX", 403)])
async def test_only_members_act(visitor, server, member, status) -> None:
    """The page has hands for the people of the world, not for the bot."""
    await visitor.get(server.page_url)
    url = f"{origin(server)}/page/as/{member}/say"
    assert (await visitor.post(url, json={}, headers={"Origin": origin(server)})).status == status


async def test_nonsense_is_one_sentence(visitor, server) -> None:
    """An act that does not exist, or lacks what it needs, is a 400 and no traceback."""
    await visitor.get(server.page_url)
    for act in ("fly", "say"):
        answer = await visitor.post(f"{origin(server)}/page/as/luna/{act}", json={}, headers={"Origin": origin(server)})
        assert (answer.status, await answer.text()) == (
            400,
            "The page sent something else than its server expects; reload it.",
        )
