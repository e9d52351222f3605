"""Discord gives three seconds for a first answer: none waits for a download, for Redis or for a job to be accepted.

What is slow is held for as long as the test lasts, so a machine's speed decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.client import Flux2Bot
from sandbox.member import Upload
from sandbox.server import SandboxServer

PROMPT = {"prompt": "a red fox"}
SLOW = (("attachments", "fetch"), ("offer", "look"), ("admission", "admit"), ("fleet", "workers"))
"""What commands wait for, by service."""


COMMANDS: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("imagine", PROMPT, ("image1", "image2")),
    ("edit", PROMPT, ("image",)),
    ("upscale", {}, ("image",)),
    ("describe", {}, ("image",)),
    ("tray", {}, ("image1",)),
    ("enhance", PROMPT, ()),
    ("jobs", {}, ()),
    ("studio", {}, ()),
    ("scene", {}, ()),
    ("admin status", {}, ()),
)
"""Name, options, and those that take a picture."""


@pytest.fixture
async def hold(bot: Flux2Bot, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[], None]]:
    """Lets nothing slow go on until the test is over."""
    await bot.services.offer.look()  # as after the first command: a form has to know the models
    is_over = asyncio.Event()

    def held(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def later(*given: Any, **options: Any) -> Any:
            await is_over.wait()
            return await call(*given, **options)

        return later

    def begin() -> None:
        for service, name in SLOW:
            owner = getattr(bot.services, service)
            monkeypatch.setattr(owner, name, held(getattr(owner, name)))

    yield begin
    is_over.set()


async def test_the_first_answer_to_a_command_waits_for_nothing_slow(
    server: SandboxServer, hold: Callable[[], None], picture: Callable[..., Upload]
) -> None:
    """Each is answered while its download, Redis and the acceptance stand still."""
    hold()
    for name, options, pictures in COMMANDS:
        files = {option: picture(f"{option}.png", 64, 64) for option in pictures}
        assert (await server.member("ada").slash(name, options | files)).is_acknowledged, name


async def test_the_first_answer_to_a_press_waits_for_nothing_slow(
    server: SandboxServer, drawn: Callable[..., Awaitable[Any]], hold: Callable[[], None]
) -> None:
    """So do the buttons under a picture."""
    _job, message = await drawn()
    hold()
    # Those that draw come last, each pressed by another member: one's next press waits for the last to be done.
    for name, button in (("luna", "Vary"), ("luna", "Edit"), ("luna", "More…"), ("luna", "Again"), ("max", "Upscale")):
        assert (await server.member(name).press(message, button)).is_acknowledged, button
