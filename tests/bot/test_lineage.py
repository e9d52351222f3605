"""What a picture came from: counted in the ledger, told on one line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bot.ledger.job import Caps, Generation, NewJob, Outcome
from bot.ledger.ledger import Ledger
from bot.lineage import NEAREST, breadcrumb
from flux2.upsampling.request import RewriteRequest

MakeJob = Callable[..., NewJob]


async def test_generations_are_those_with_a_picture(ledger: Ledger, new_job: MakeJob, caps: Caps) -> None:
    """A cancelled try and a rewrite of words are passed over and not counted; the first of a long line is told too."""
    words = new_job(request=RewriteRequest(model="sample", prompt="a fox", route="local", seed=1))
    await ledger.accept(words, caps)
    chain = [words]
    for number in range(1, 8):
        chain.append(await ledger.accept(new_job(parent_id=chain[-1].id), caps))
        if number == 5:
            closed = await ledger.request_cancel(chain[-1].id)
            assert closed.outcome is Outcome.CANCELLED
    line = await ledger.lineage(chain[-1].id, 3)
    # Seven tries without the fifth are six pictures.
    assert [(one.number, one.job.id) for one in line] == [
        (6, chain[7].id), (5, chain[6].id), (4, chain[4].id), (1, chain[1].id)
    ]  # fmt: skip
    assert await ledger.lineage(words.id, 3) == []
    assert await ledger.lineage("f" * 16, 3) == []


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
