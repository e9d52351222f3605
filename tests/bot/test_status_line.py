"""One status message: how often it is edited, and what stands there last."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import discord
import pytest

from bot.ledger.job import Status
from bot.status_line import Pace, StatusLine
from bot.status_message import StatusGone, StatusMessages

INTERVAL_S = 0.2


class Notebook(StatusMessages):
    """Where edits go instead of Discord: they are written down with their time, or refused as told."""

    def __init__(self, *trouble: Exception | None) -> None:
        self.edits: list[tuple[float, str, bool]] = []
        self.pictures: list[Sequence[bytes] | None] = []
        self.trouble = list(trouble)
        self._edited = asyncio.Event()

    async def edit(self, status: Status, content: str, *, final: bool, pictures: Sequence[bytes] | None = None) -> None:
        if self.trouble and (error := self.trouble.pop(0)):
            raise error
        self.pictures.append(pictures)
        self.edits.append((asyncio.get_running_loop().time(), content, final))
        self._edited.set()

    async def has(self, edits: int) -> None:
        """Wait until so many edits were made."""
        async with asyncio.timeout(60):
            while len(self.edits) < edits:
                self._edited.clear()
                await self._edited.wait()

    @property
    def texts(self) -> list[str]:
        return [text for _, text, _ in self.edits]


@asynccontextmanager
async def running(notebook: Notebook, pace: Pace | None = None, channel_id: int = 1) -> AsyncIterator[StatusLine]:
    """A line at work; leaving waits until it has noted its end."""
    now = discord.utils.time_snowflake(discord.utils.utcnow())
    line = StatusLine(Status(channel_id=channel_id, message_id=now), notebook, pace or Pace(), INTERVAL_S)
    ended = asyncio.Event()

    async def note() -> None:
        ended.set()

    task = asyncio.create_task(line.run(note))
    try:
        yield line
        await asyncio.wait_for(task, 60)
        assert ended.is_set()
    finally:
        task.cancel()


async def test_a_burst_of_progress_is_one_edit() -> None:
    """Of many texts between two edits only the newest is sent, and the interval is kept."""
    notebook, began = Notebook(), asyncio.get_running_loop().time()
    async with running(notebook) as line:
        for step in range(50):
            line.say(f"{step}/50")
            await asyncio.sleep(0.01)
        line.say("done", final=True)
    lasted_s = notebook.edits[-1][0] - began
    assert len(notebook.edits) <= 2 + lasted_s / INTERVAL_S
    passing = [time for time, _, final in notebook.edits if not final]
    assert all(b - a >= INTERVAL_S * 0.9 for a, b in pairwise(passing))


async def test_the_final_text_does_not_wait_and_is_never_overwritten() -> None:
    """After the final text nothing follows, however late progress arrives."""
    notebook = Notebook()
    async with running(notebook) as line:
        line.say("1/8")
        await notebook.has(1)
        line.say("2/8")
        line.say("done", final=True)
        line.say("3/8")
        line.say("cancelled", final=True)
    assert notebook.texts == ["1/8", "done"]


async def test_what_the_message_was_made_with_counts() -> None:
    """It is not said again, and the next text comes an interval after it."""
    notebook = Notebook()
    async with running(notebook) as line:
        made_at = asyncio.get_running_loop().time()
        line.has_shown("queued")
        line.say("queued")
        line.say("1/8")
        await asyncio.sleep(INTERVAL_S * 2)
        line.say("done", final=True)
    assert notebook.texts == ["1/8", "done"]
    assert notebook.edits[0][0] - made_at >= INTERVAL_S * 0.9


async def test_an_end_that_came_while_the_message_was_written_is_said() -> None:
    """Who cancels at once reads so, not that the picture waits for ever."""
    notebook = Notebook()
    async with running(notebook) as line:
        line.say("cancelled", final=True)
        line.has_shown("queued")
    assert notebook.texts == ["cancelled"]


async def test_the_same_text_is_not_sent_twice() -> None:
    """An unchanged line costs no request."""
    notebook = Notebook()
    async with running(notebook) as line:
        line.say("queued")
        await notebook.has(1)
        line.say("queued")
        await asyncio.sleep(INTERVAL_S * 2)
        line.say("done", final=True)
    assert notebook.texts == ["queued", "done"]


async def test_waiting_lines_of_one_channel_take_turns() -> None:
    """Many waiting jobs in one channel do not edit at once: at most one passing edit a second there."""
    notebook, pace = Notebook(), Pace()
    async with running(notebook, pace) as one, running(notebook, pace) as two:
        one.say("queued 1st")
        two.say("queued 2nd")
        await notebook.has(2)
        assert notebook.edits[1][0] - notebook.edits[0][0] >= 0.9
        one.say("done", final=True)
        two.say("done", final=True)


async def test_a_deleted_message_ends_quietly() -> None:
    """Once the message is gone no edit is tried again, and the end is still noted."""
    notebook = Notebook(StatusGone("10008"))
    async with running(notebook) as line:
        line.say("1/8")
        await asyncio.sleep(0.05)
        line.say("2/8")
        line.say("done", final=True)
    assert notebook.edits == []


@pytest.mark.parametrize("trouble", [discord.RateLimited(1.0), OSError("connection lost")])
async def test_the_final_text_is_tried_again(trouble: Exception) -> None:
    """A passing fault of the network does not leave a finished job looking unfinished."""
    notebook = Notebook(trouble)
    async with running(notebook) as line:
        line.say("done", final=True)
    assert notebook.texts == ["done"]


async def test_a_preview_comes_with_the_next_edit_and_goes_with_the_last() -> None:
    """Of two previews between two edits the newer is shown; the text alone leaves it; the end takes it away."""
    notebook = Notebook()
    async with running(notebook) as line:
        line.say("1/8")
        await notebook.has(1)
        line.picture(b"old")
        line.picture(b"new")
        await notebook.has(2)
        line.say("2/8")
        await notebook.has(3)
        line.say("done", final=True)
        line.picture(b"late")
    assert list(zip(notebook.texts, notebook.pictures, strict=True)) == [
        ("1/8", None),
        ("1/8", [b"new"]),
        ("2/8", None),
        ("done", []),
    ]


async def test_without_a_preview_the_last_edit_touches_no_file() -> None:
    """A short job's status message is edited as it always was."""
    notebook = Notebook()
    async with running(notebook) as line:
        line.say("done", final=True)
    assert notebook.pictures == [None]
