"""The line of pictures a picture came from, counted by the database."""

from __future__ import annotations

from collections.abc import Callable

from bot.ledger.job import Caps, NewJob, Outcome
from bot.ledger.ledger import Ledger
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
