"""Keeps every status message truthful: place and ETA while a job waits, steps while it runs, then how it ended.

Owns one task per message. Declines to know the words (bot/presenter.py) and the requests (bot/status_message.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import datetime, timedelta

from bot import presenter, titles
from bot.estimates import Estimates
from bot.fleet import Fleet
from bot.ledger.job import Job, Place, State
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.outlook import Outlook
from bot.running import end
from bot.shared_look import SharedLook
from bot.status_line import Pace, StatusLine
from bot.status_message import StatusMessages
from worker.blobs import BlobMissing, Blobs
from worker.contract import SPOILER, Event, Progress

_log = logging.getLogger(__name__)

_LOOK_S = 10.0
"""Seconds between two looks at waiting jobs when nothing moved: ETAs and loading models change on their own."""
_EXPIRING = timedelta(seconds=45)
"""Before an answer's token expires: the last words have to get through, though looks are _LOOK_S apart."""
_WAITING = frozenset({State.WAITING, State.DISPATCHED})


class Narration:
    """Says on each status message where its job stands."""

    def __init__(self, ledger: Ledger, fleet: Fleet, messages: StatusMessages, blobs: Blobs, interval_s: float) -> None:
        """`interval_s`: seconds between two edits of one message, final ones excepted."""
        self._ledger = ledger
        self._messages = messages
        self._blobs = blobs
        self._interval_s = interval_s
        self._pace = Pace()
        self._outlook = SharedLook(lambda: Outlook.look(ledger, fleet))
        self._lines: dict[str, StatusLine] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, Progress] = {}
        self._estimates = Estimates()
        self._waiting: set[str] = set()
        self._expiring: dict[str, datetime] = {}
        """When a status message that only an answer can edit gets its last words."""
        self._moved = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up the jobs a former process left: open ones are told on, ended ones are told how they ended."""
        for job in await self._ledger.unfinished_statuses():
            self._say(job)
        for job in await self._ledger.open_jobs():
            if job.state is State.RUNNING and job.status is not None and not job.cancel_requested:
                # Its step comes with the next event; until then its message is nearer the truth than “no step yet”.
                self._line(job)
            else:
                self._say(job)
        self._watch = asyncio.create_task(self._watch_queue(), name="narration-queue")

    async def close(self) -> None:
        """Stop at once; what was not said is said at the next start."""
        await end([*self._tasks.values(), *([self._watch] if self._watch else [])])
        await self._outlook.close()

    async def follow(self, job: Job, shown: str) -> None:
        """Begin to narrate a job whose status message has just been stored and says `shown`."""
        if job.status is not None:
            self._line(job).has_shown(shown)
        self._say(job)

    async def observe(self, job: Job, event: Event) -> None:
        """Say what `event` changed; `job` is its row after the event was written."""
        if isinstance(event, Progress):
            if not self._is_between_pictures(event):
                self._progress[job.id] = event
        else:
            self._progress.pop(job.id, None)
        self._say(job)
        # Where pictures lie behind a click, none is shown on the way.
        is_open = not job.skeleton.file_stem.startswith(SPOILER)
        if isinstance(event, Progress) and event.preview and is_open and (line := self._lines.get(job.id)):
            await self._show(line, event.preview)

    def _is_between_pictures(self, event: Progress) -> bool:
        """Whether a picture of several is decoded while others are still to be drawn: nothing is being finished yet."""
        if event.phase != "decode":
            return False
        known = self._progress.get(event.job_id)
        if known is None or known.phase != "denoise":
            return event.step < event.steps - 1
        return known.step < known.steps

    async def _show(self, line: StatusLine, sha256: str) -> None:
        with contextlib.suppress(BlobMissing):  # the render has ended meanwhile and taken its previews along
            line.picture(await asyncio.to_thread(self._blobs.get, sha256))

    async def queue_moved(self) -> None:
        """Some job left the queue: places and ETAs behind it have changed."""
        self._moved.set()

    async def where(self, job: Job) -> str:
        """Where an open or closed job stands, in the words of its status message."""
        if _is_queued(job):
            outlook = await self._outlook()
            return self._queue_line(job, await self._ledger.place(job.id), outlook)
        return presenter.line(job, self._progress.get(job.id))

    async def refresh(self, job_id: str) -> None:
        """Say where a job stands after somebody cancelled it."""
        job = await self._ledger.get(job_id)
        if job is not None:
            self._say(job)

    def _say(self, job: Job) -> None:
        if job.status is None:
            return
        line = self._line(job)
        if job.state is State.CLOSED:
            self._waiting.discard(job.id)
            line.say(titles.status(job, presenter.closed(job)), final=True)
        elif _is_queued(job):
            self._waiting.add(job.id)
            self._moved.set()
        else:
            # A cancel may be carried out later and without news, after Redis was away: it is looked after until then.
            (self._waiting.add if job.cancel_requested else self._waiting.discard)(job.id)
            said = titles.status(job, presenter.line(job, self._progress.get(job.id)))
            line.say(self._last_words(job.id) or said)

    def _line(self, job: Job) -> StatusLine:
        line = self._lines.get(job.id)
        if line is None:
            assert job.status is not None
            line = StatusLine(job.status, self._messages, self._pace, self._interval_s)
            self._lines[job.id] = line
            if (answer := job.status.answer) is not None:
                self._expiring[job.id] = answer.expires_at - _EXPIRING
            self._tasks[job.id] = asyncio.create_task(self._run(job.id, line), name=f"status-{job.id}")
        return line

    async def _run(self, job_id: str, line: StatusLine) -> None:
        try:
            await line.run(lambda: self._ledger.status_finished(job_id))
        except Exception:  # noqa: BLE001 - the boundary of this task; the next start tries the final text again
            _log.exception("The status message of job %s could not be finished.", job_id)
        finally:
            self._lines.pop(job_id, None)
            self._tasks.pop(job_id, None)
            self._progress.pop(job_id, None)
            self._expiring.pop(job_id, None)

    async def _watch_queue(self) -> None:
        while True:
            # Not wait_for: before Python 3.12 it loses a cancel that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._moved.wait()
            self._moved.clear()
            try:
                await self._say_places()
            except Exception:  # noqa: BLE001 - the boundary of this task; the next look may succeed
                _log.exception("The places of waiting jobs could not be said.")
            self._say_expiring()
            await asyncio.sleep(self._interval_s)

    def _say_expiring(self) -> None:
        """Tell those whose picture comes too late for an answer where it will be."""
        for job_id, line in self._lines.items():
            if (words := self._last_words(job_id)) is not None:
                line.say(words)

    def _last_words(self, job_id: str) -> str | None:
        """What an answer says that can soon be edited no more; nothing but the end takes its place."""
        moment = self._expiring.get(job_id)
        return presenter.expiring() if moment is not None and now() >= moment else None

    async def _say_places(self) -> None:
        self._estimates.keep(self._waiting)
        if not self._waiting:
            return
        outlook = await self._outlook()
        for job_id in sorted(self._waiting):
            job = await self._ledger.get(job_id)
            if job_id not in self._waiting:
                continue
            if job is None or not _is_queued(job):
                self._waiting.discard(job_id)
                if job is not None and (job.state is State.CLOSED or job.cancel_requested):
                    self._say(job)
                continue
            place = await self._ledger.place(job_id)
            if place is None:
                # It has begun this moment, or its place is still being counted: what it shows may stand.
                continue
            text = self._queue_line(job, place, outlook)
            # An event may have come while the ledger was asked; its words are newer than these.
            if job_id in self._waiting and (line := self._lines.get(job_id)):
                line.say(self._last_words(job_id) or titles.status(job, text))

    def _queue_line(self, job: Job, place: Place | None, outlook: Outlook) -> str:
        model = job.request.model
        return presenter.queued(
            place,
            moment=self._estimates.moment(job.id, place.eta_s if place else None, time.time()),
            loading=outlook.loading.get(model),
            paused=outlook.paused,
            is_abandoned=outlook.is_abandoned(model),
        )


def _is_queued(job: Job) -> bool:
    return job.state in _WAITING and not job.cancel_requested
