"""During a rush first answers go first, and nobody waits for ever for them."""

from __future__ import annotations

import asyncio

from bot.rush import Rush


async def test_work_waits_until_nobody_is_owed_an_answer() -> None:
    """What follows an answer starts after the last of the answers that are on their way, in whatever order they end."""
    rush, order = Rush(), []
    may_end = [asyncio.Event() for _ in range(3)]

    async def member(number: int) -> None:
        with rush.answering():
            await may_end[number].wait()
            order.append(f"answer {number}")
        await rush.over(60)
        order.append(f"work {number}")

    tasks = [asyncio.create_task(member(number)) for number in range(3)]
    await asyncio.sleep(0)
    for number in (1, 0, 2):
        may_end[number].set()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order[:3] == ["answer 1", "answer 0", "answer 2"]
    assert sorted(order[3:]) == ["work 0", "work 1", "work 2"]


async def test_a_steady_stream_does_not_hold_up_the_work() -> None:
    """While somebody is always owed an answer, work goes on after the longest wait; a failed answer is owed no more."""
    rush = Rush()
    with rush.answering():
        await rush.over(0.01)
    try:
        with rush.answering():
            raise ValueError
    except ValueError:
        await rush.over(60)
