"""What a picture came from, told on one line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bot.ledger.job import Caps, Generation, NewJob
from bot.ledger.ledger import Ledger
from bot.lineage import NEAREST, breadcrumb

MakeJob = Callable[..., NewJob]


async def test_the_line_names_the_latest_and_the_first(ledger: Ledger, new_job: MakeJob, caps: Caps) -> None:
    """Each with a link to its message where there is one; short at any depth, empty at the beginning."""
    job = await ledger.accept(new_job(), caps)
    posted = dataclasses.replace(job, result_channel_id=2 << 22, result_message_id=10**18)
    line = [Generation(1100, posted), Generation(1099, job), Generation(1, posted)]
    link = f"<https://discord.com/channels/1/{2 << 22}/{10**18}>"
    told = breadcrumb(line, own=1101)
    assert told == f"v1101 ← [v1100]({link}) ← v1099 ← … ← [v1]({link})"
    assert breadcrumb(line[2:], own=2) == f"v2 ← [v1]({link})"
    assert breadcrumb(line[2:]) == breadcrumb([], own=1) == breadcrumb([]) == ""
    longest = [Generation(5000 - step, posted) for step in range(NEAREST - 1)] + [Generation(1, posted)]
    assert len(breadcrumb(longest, own=5001)) < 400
