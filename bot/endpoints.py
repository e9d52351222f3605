"""Points discord.py at another REST root and gateway: a rate-limit proxy, or the sandbox.

The library has no setting for either, so this is the one place that touches its class attributes.
"""

from __future__ import annotations

import discord
import discord.gateway
import discord.http
from yarl import URL

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def use(api_url: str, gateway_url: str | None) -> None:
    """Send REST calls to `api_url` (including /api/v10) and, if given, every gateway connection to `gateway_url`."""
    discord.http.Route.BASE = api_url
    api = URL(api_url)
    if api.host in _LOOPBACK:
        # A Discord on this machine keeps its avatars too.
        discord.Asset.BASE = str(api.origin() / "cdn")
    if gateway_url is None:
        return
    gateway = URL(gateway_url)
    socket = discord.gateway.DiscordWebSocket
    socket.DEFAULT_GATEWAY = gateway
    # READY names a host to resume on; with a gateway of our own the connection must never leave it.
    # The ignore: the library declares a plain attribute here, set by each connection.
    socket.gateway = property(lambda _: gateway, lambda _socket, _url: None)  # type: ignore[assignment]
