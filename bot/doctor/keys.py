"""API keys of hosted services, each by a call that costs nothing. Only those that are set are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from bot.doctor.finding import Finding, fail, ok, warn

_TIMEOUT_S = 10


@dataclass(frozen=True)
class Service:
    """Where a key is proved."""

    name: str
    setting: str
    url: str


async def examine(keys: Mapping[Service, str]) -> list[Finding]:
    """Ask each service whether it takes its key."""
    if not keys:
        return [ok("API keys", "none is set")]
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return [await _ask(session, service, key) for service, key in keys.items()]


async def _ask(session: aiohttp.ClientSession, service: Service, key: str) -> Finding:
    try:
        async with session.get(service.url, headers={"Authorization": f"Bearer {key}"}) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        fix = "Check the network; members are told when a picture needs it."
        return warn(service.name, f"cannot be reached ({type(error).__name__})", fix)
    if status in (401, 403):
        return fail(service.name, f"refuses its key ({status})", f"Set {service.setting} to a valid key, or remove it.")
    if status >= 400:
        return warn(service.name, f"answers {status}", f"Look at its status page, and at {service.setting}.")
    return ok(service.name, "takes its key")
