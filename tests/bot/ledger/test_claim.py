"""One bot per ledger, and a killed one leaves nothing behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from bot.ledger.claim import Claim
from bot.ledger.job import LedgerTaken

HOLDER = """
import asyncio, sys
from bot.ledger.claim import Claim

async def hold():
    claim = await Claim.take(sys.argv[1], 0)
    print("held", flush=True)
    await asyncio.sleep(600)

asyncio.run(hold())
"""


async def test_the_second_bot_is_refused_with_a_sentence(any_url: str) -> None:
    """While one works with the ledger the next one is told what to do; when it stops, the next one has it."""
    first = await Claim.take(any_url, 0)
    with pytest.raises(LedgerTaken, match="stop it first"):
        await Claim.take(any_url, 0)
    await first.release()
    second = await Claim.take(any_url, 0)
    await second.release()


async def test_a_killed_holder_holds_nothing(any_url: str) -> None:
    """SIGKILL lets go of the claim: whoever waits for it gets it without anybody tidying up."""
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, any_url, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(LedgerTaken):
        await Claim.take(any_url, 0)
    holder.kill()
    claim = await Claim.take(any_url, 30)
    await holder.wait()
    await claim.release()


async def test_nothing_to_claim_in_memory_or_nonsense() -> None:
    """A ledger in memory is nobody else's; a URL that says nothing is left to the ledger to complain of."""
    for url in ("sqlite+aiosqlite:///:memory:", "nonsense", "mysql+nothing://there/x"):
        first, second = await Claim.take(url, 0), await Claim.take(url, 0)
        await first.release()
        await second.release()
