"""One look for all who ask while it is under way."""

from __future__ import annotations

import asyncio

import pytest

from bot.shared_look import SharedLook


async def test_a_crowd_looks_once_and_the_next_one_anew() -> None:
    """A hundred callers get the answer of one look; whoever asks after its end has a look of their own."""
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        number = looks
        await asyncio.sleep(0)
        return number

    shared = SharedLook(look)
    assert await asyncio.gather(*(shared() for _ in range(100))) == [1] * 100
    assert await shared() == 2


async def test_an_error_reaches_everybody_and_a_cancel_nobody_else() -> None:
    """All who joined a look hear how it failed, also when the one who began it has given up."""
    may_fail = asyncio.Event()

    async def look() -> None:
        await may_fail.wait()
        raise OSError("away")

    shared = SharedLook(look)
    first, second = asyncio.create_task(shared()), asyncio.create_task(shared())
    await asyncio.sleep(0)
    first.cancel()
    may_fail.set()
    with pytest.raises(OSError, match="away"):
        await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_look_that_its_callers_left_is_ended() -> None:
    """Whoever closes what is looked at finds nobody at it any more."""
    looking, left = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        looking.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    shared = SharedLook(look)
    await shared.close()
    caller = asyncio.create_task(shared())
    await looking.wait()
    caller.cancel()
    await asyncio.wait([caller])
    assert not left.is_set()
    await shared.close()
    assert left.is_set()
