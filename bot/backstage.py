"""Opens what stands behind the Discord client, keeps its tasks running, and closes it in the opposite order.

The one place that knows how ledger, queue, dispatcher and narration are put together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import discord
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot import access, complaints
from bot.admission import Admission
from bot.attachments import AttachmentReader, Limits
from bot.bell import Bell
from bot.casting import Casting
from bot.dispatcher import Dispatcher
from bot.events import EventReader, News
from bot.fleet import Fleet, connect
from bot.gate import Gate
from bot.gathering import Gathering
from bot.ledger.claim import Claim
from bot.ledger.job import LedgerAway, LedgerTaken, LedgerUnusable
from bot.ledger.ledger import Ledger
from bot.message_links import LinkedPictures
from bot.narration import Narration
from bot.offer import Offer
from bot.policy import Elsewhere
from bot.privacy import Privacy, Retention
from bot.queue import WorkQueue
from bot.reconciler import Reconciler
from bot.refusal import Refusal
from bot.routes import Routes
from bot.running import end
from bot.services import Services
from bot.status_message import StatusMessages
from bot.takeover import take_over
from bot.tray_desk import TrayDesk
from config.settings import STYLES, BotSettings
from flux2.errors import CheckpointUnavailable
from flux2.prompting import styles
from flux2.prompting.styles import Styles
from flux2.screening import rules
from flux2.screening.port import NOTHING, Screening
from worker.blobs import Blobs, BlobsUnavailable, open_blobs

_log = logging.getLogger(__name__)

_CONFIG, _UNAVAILABLE = 78, 69
"""EX_CONFIG and EX_UNAVAILABLE of sysexits.h."""
_LOOK_S = 5.0
"""Seconds between two looks at which models are offered."""


class CannotStart(Exception):
    """The bot cannot run; the text is one sentence for the operator."""

    def __init__(self, sentence: str, exit_status: int) -> None:
        super().__init__(sentence)
        self.exit_status = exit_status


class Backstage:
    """Everything but Discord. Made by `open`, set going by `start`."""

    def __init__(
        self,
        services: Services,
        redis: Redis,
        queue: WorkQueue,
        reader: EventReader,
        reconciler: Reconciler,
        messages: StatusMessages,
        bell: Bell,
        claim: Claim,
    ) -> None:
        self.services = services
        self._redis = redis
        self._queue = queue
        self._reader = reader
        self._reconciler = reconciler
        self._messages = messages
        self._bell = bell
        self._claim = claim
        self._tasks: list[asyncio.Task[None]] = []
        self._on_collapse: Callable[[], None] = lambda: None

    @classmethod
    async def open(cls, client: discord.Client, settings: BotSettings) -> Backstage:
        """Open styles, ledger, blobs and Redis. Raises CannotStart."""
        style_list = await asyncio.to_thread(_styles, settings.styles_file or STYLES)
        screening = await asyncio.to_thread(_screening, settings.rules_file)
        blobs = await asyncio.to_thread(_blobs, settings.blob_url)
        redis, queue = await _redis(settings.redis_url.get_secret_value())
        claim, ledger = await _ledger(settings.database_url.get_secret_value())
        fleet = Fleet(redis)
        messages = StatusMessages(client)
        narration = Narration(ledger, fleet, messages, blobs, settings.status_edit_interval_s)
        dispatcher = Dispatcher(
            ledger,
            fleet,
            queue,
            max_running_per_member=settings.max_running_per_member,
            queue_moved=narration.queue_moved,
        )
        bell = Bell(client, ledger.shelf)
        gate = Gate(ledger.governance, access.caps(settings), settings.max_running_per_member, _elsewhere(settings))
        news = News(ledger, redis, [narration, bell], dispatcher.moved)
        offer = Offer(fleet, settings.flux2_model)
        links = LinkedPictures(client)
        attachments = AttachmentReader(blobs, _limits(settings), links.refresh)
        services = Services(
            ledger=ledger,
            shelf=ledger.shelf,
            fleet=fleet,
            offer=offer,
            routes=Routes(fleet),
            blobs=blobs,
            attachments=attachments,
            dispatcher=dispatcher,
            narration=narration,
            styles=style_list,
            casting=Casting(ledger.shelf, offer, style_list, gate.terms),
            links=links,
            gathering=Gathering(attachments, links, ledger.trays),
            tray_desk=TrayDesk(ledger.trays, attachments, blobs),
            admission=Admission(ledger, dispatcher, narration, gate, screening),
            gate=gate,
            privacy=Privacy(ledger, dispatcher, queue, blobs, _retention(settings)),
        )
        reconciler = Reconciler(ledger, queue, news, dispatcher, interval_s=settings.reconcile_interval_s)
        reader = EventReader(ledger, redis, news, reconciler.wake)
        return cls(services, redis, queue, reader, reconciler, messages, bell, claim)

    async def start(self, on_collapse: Callable[[], None]) -> None:
        """Go on where the last process ended, then keep dispatching, reading and reconciling.

        `on_collapse` is called if one of these tasks ends by itself.
        """
        self._on_collapse = on_collapse
        await take_over(self.services.ledger, self._messages)
        await self.services.narration.start()
        self._run("dispatcher", self.services.dispatcher.run())
        self._run("event-reader", self._reader.run())
        self._run("reconciler", self._reconciler.run())
        self._run("offer", self._look())
        self._run("privacy", self.services.privacy.run())

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nothing here ends by itself: without one of these tasks jobs would wait for ever, so the process ends too."""
        if task.cancelled():
            return
        _log.critical("%s ended; stopping.", task.get_name(), exc_info=task.exception())
        self._on_collapse()

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(Refusal):  # said in the log by the first member who asks in vain
                await self.services.offer.look()
            await asyncio.sleep(_LOOK_S)

    async def stop(self) -> None:
        """Stop the tasks."""
        await end(self._tasks)
        await self.services.narration.close()
        await self.services.offer.close()
        await self._bell.close()

    async def close(self) -> None:
        """Close what the tasks used."""
        await self.services.attachments.close()
        await self.services.ledger.close()
        await self._queue.close()
        await self._redis.aclose()
        await self._claim.release()


def _retention(settings: BotSettings) -> Retention:
    return Retention(settings.retention_pictures_days, settings.retention_jobs_days, settings.retention_audit_days)


def _elsewhere(settings: BotSettings) -> Elsewhere:
    return Elsewhere(settings.direct_messages, settings.user_install, settings.pictures_per_day_outside)


def _limits(settings: BotSettings) -> Limits:
    return Limits(
        max_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_upload_pixels,
        allows_loopback=settings.allows_loopback_attachments,
    )


async def _ledger(url: str) -> tuple[Claim, Ledger]:
    try:
        claim = await Claim.take(url)
        try:
            return claim, await Ledger.open(url)
        except LedgerUnusable:
            await claim.release()
            raise
    except LedgerUnusable as error:
        status = _UNAVAILABLE if isinstance(error, LedgerAway | LedgerTaken) else _CONFIG
        raise CannotStart(str(error), status) from error


def _styles(path: Path) -> Styles:
    try:
        return styles.read(path)
    except styles.StylesUnreadable as error:
        raise CannotStart(str(error), _CONFIG) from error


def _screening(path: Path | None) -> Screening:
    try:
        return Screening(prompts=(rules.read(path),)) if path else NOTHING
    except CheckpointUnavailable as error:
        raise CannotStart(str(error), _CONFIG) from error


def _blobs(url: str) -> Blobs:
    try:
        return open_blobs(url)
    except BlobsUnavailable as error:
        raise CannotStart(str(error), _CONFIG) from error


async def _redis(url: str) -> tuple[Redis, WorkQueue]:
    try:
        redis, queue = connect(url), WorkQueue.connect(url)
    except ValueError as error:
        raise CannotStart(complaints.redis_url(error), _CONFIG) from error
    try:
        await redis.ping()
    except (RedisError, OSError) as error:
        raise CannotStart(complaints.redis_away(error), _UNAVAILABLE) from error
    return redis, queue
