"""Many jobs at once: how often their status messages are edited, and that what they end with stays."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from pathlib import Path

import pytest

from sandbox.hub import Change
from sandbox.message import Message
from sandbox.stack import Stack
from tests.faults.audit import ask, check, results, rows, until

INTERVAL_S = 2.0
"""The setting's own default."""
_EARLY_S = 0.2
"""The bot counts from the answer to one edit to the sending of the next; here both are seen as they arrive."""


@pytest.mark.slow
@pytest.mark.timeout(700)
async def test_fifty_at_once_are_edited_rarely_and_end_for_good(tmp_path: Path) -> None:
    """Passing edits of one message keep their distance, the last one links the result, and none comes after it."""
    settings = {"MAX_WAITING_PER_MEMBER": "50", "STATUS_EDIT_INTERVAL_S": str(INTERVAL_S)}
    edits: defaultdict[int, list[tuple[float, str]]] = defaultdict(list)
    async with Stack(tmp_path, settings=settings) as stack:
        world = stack.server.world

        def note(change: Change) -> None:
            if change.kind == "MESSAGE_UPDATE" and isinstance(change.subject, Message):
                known, said = edits[change.subject.id], change.subject.content
                if not known or known[-1][1] != said:  # a message is also updated when a thread grows out of it
                    known.append((world.clock.now(), said))

        stop = world.hub.listen(note)
        asked = await asyncio.gather(*(ask(stack, ("luna", "max")[i % 2], steps=4, size="256x256") for i in range(50)))
        await until(lambda: not rows(stack, "state != 'closed'"), "the end of every job", 500)
        await check(stack, draws=False)
        stop()
        for status, job_id in asked:
            [result] = results(stack, job_id)
            assert str(result.id) in status.content
            *passing, last = edits[status.id]  # the first one fills the placeholder of the command
            assert str(result.id) in last[1]
            gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(passing)]
            assert all(gap >= INTERVAL_S - _EARLY_S for gap in gaps), repr(edits[status.id])
        assert sum(len(one) for one in edits.values()) > 2 * len(asked), "nothing but beginning and end was said"
