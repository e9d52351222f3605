"""Who may use the page: a browser on this machine that opened the address the sandbox printed, and no other site.

A key made at each start travels once in that address and lives on as a cookie. The Host check turns away names that
were pointed at loopback, the Origin check turns away other pages, and the headers leave no way for foreign script.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web
from yarl import URL

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LOCKED = "Open the address that the sandbox printed when it started; it carries the key to this page."


class Guard:
    """Checks every request below /page."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(24)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse with 403 what does not come from the page itself, and harden what goes out."""
        fault = self._fault(request)
        if fault is not None:
            return web.Response(status=403, text=fault, headers=HEADERS)
        response = self._let_in(request) if "key" in request.query else await handler(request)
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            response.headers.setdefault("Cache-Control", "no-cache")
        return response

    def _fault(self, request: web.Request) -> str | None:
        if not _is_loopback(request.url.host or ""):
            return "This page answers on this machine only; open it as http://127.0.0.1."
        origin = request.headers.get("Origin")
        asks_to_act = request.method not in ("GET", "HEAD") or "Upgrade" in request.headers
        if (origin is None and asks_to_act) or (origin is not None and URL(origin) != request.url.origin()):
            return "Other pages may not use this one."
        given = request.query.get("key") or request.cookies.get(_cookie(request), "")
        return None if hmac.compare_digest(given.encode(), self.key.encode()) else _LOCKED

    def _let_in(self, request: web.Request) -> web.Response:
        """Keep the key as a cookie and take it out of the address, so that it is in no history."""
        response = web.Response(status=303, headers={"Location": str(request.rel_url.without_query_params("key"))})
        response.set_cookie(_cookie(request), self.key, path="/page", httponly=True, samesite="Strict")
        return response


def _cookie(request: web.Request) -> str:
    """Browsers share cookies between ports, so the port is in the name."""
    return f"sandbox_page_{request.url.port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
