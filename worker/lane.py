"""One lane: a process that serves exactly one queue, one job at a time, for as long as its supervisor lives.

Owns RQ's worker, its signals and the Discord login of a deliver lane. Declines to know how many lanes there are and
what happens after it ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from redis import Redis, RedisError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from config import logging as log_lines
from config.settings import DeliverySettings
from flux2.errors import CheckpointUnavailable
from flux2.screening.opening import open_screens
from flux2.upsampling.openrouter import Access
from worker.allowlist import AllowedJob, AllowedQueue
from worker.blobs import BlobsUnavailable, open_blobs
from worker.contract import IO_QUEUE
from worker.delivery import Discord, NotNow, TokenRefused
from worker.fence import Fence
from worker.maintenance import LastingWorker
from worker.outbox import Outbox
from worker.tasks import rewrite
from worker.tasks.deliver import Courier, employ

_log = logging.getLogger(__name__)

MISCONFIGURED = os.EX_CONFIG
"""Exit code 78: nobody but the operator can help, so nobody restarts it."""
_NO_REDIS = os.EX_UNAVAILABLE
_JOB_LEASE_S = 120
"""RQ takes a job for abandoned after this; a delivery that takes longer meets its own nonce in its second run."""
_MAINTENANCE_S = 10
_WORKER_TTL_S = 20
"""RQ's blocking pop returns after this less 15 s, so maintenance is on time."""


class LaneWorker(LastingWorker, SimpleWorker):
    """RQ's in-process worker, for allowed jobs only, stopped by SIGTERM and by nothing else.

    No fork per job: the Discord session has to outlive a job.
    """

    job_class = AllowedJob
    queue_class = AllowedQueue

    def __init__(self, queue: str, redis: Redis, name: str) -> None:
        super().__init__(
            [AllowedQueue(queue, connection=redis, job_class=AllowedJob, serializer=JSONSerializer)],
            name=name,
            connection=redis,
            serializer=JSONSerializer,
            exception_handlers=[self._see],
            maintenance_interval=_MAINTENANCE_S,
            worker_ttl=_WORKER_TTL_S,
            log_job_description=False,
        )
        self.token_refused = False

    def get_heartbeat_ttl(self, job: Job) -> int:
        """Seconds until RQ gives the job up; the timeout stated in the job is not to be waited for."""
        return _JOB_LEASE_S

    def request_force_stop(self, signum: int, frame: object) -> None:
        """Do nothing: a message half sent is worth the wait, and who cannot wait has SIGKILL."""

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGTERM, self.request_stop)

    def _see(self, job: Job, kind: type[BaseException], *_: Any) -> bool:
        if issubclass(kind, TokenRefused):
            self.token_refused = True
            os.kill(os.getpid(), signal.SIGTERM)
        return True


def run(settings: DeliverySettings, queue: str, name: str, life: Connection) -> int:
    """Serve `queue` until SIGTERM or until the other end of `life` closes; finish the job in hand. Returns exit code.

    Call it as the last thing of a fresh process: it takes over signals, logging and the current thread.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    secrets = [settings.discord_token, settings.openrouter_api_key]
    known = [secret.get_secret_value() for secret in secrets if secret is not None]
    log_lines.configure(settings.log_level, settings.log_json, secrets=known)
    threading.Thread(target=_stop_with, args=[life], name="life", daemon=True).start()
    with contextlib.closing(Redis.from_url(settings.redis_url.get_secret_value())) as redis:
        try:
            # First of all: a lane that has to start over and over must not log in to Discord each time.
            redis.ping()
            with _desk(settings, redis, name) if queue == IO_QUEUE else _courier(settings, redis):
                worker = LaneWorker(queue, redis, name)
                worker.work(logging_level=None)
        except TokenRefused as refused:
            _log.critical("%s Set DISCORD_TOKEN to the bot token from the developer portal.", refused)
            return MISCONFIGURED
        except (BlobsUnavailable, CheckpointUnavailable) as unavailable:
            _log.critical("%s", unavailable)
            return MISCONFIGURED
        except RedisError as error:
            _log.error("Redis does not answer: %s", error)
            return _NO_REDIS
        if worker.token_refused:
            _log.critical("Discord has stopped accepting DISCORD_TOKEN; set the new one and start again.")
            return MISCONFIGURED
    return os.EX_OK


@contextlib.contextmanager
def _courier(settings: DeliverySettings, redis: Redis) -> Iterator[None]:
    blobs = open_blobs(settings.blob_url)
    discord = Discord(settings.discord_token.get_secret_value(), settings.discord_api_url)
    try:
        _log_in(discord)
        employ(Courier(Fence(redis), Outbox(redis), blobs, discord))
        yield
    finally:
        employ(None)
        discord.close()


@contextlib.contextmanager
def _desk(settings: DeliverySettings, redis: Redis, name: str) -> Iterator[None]:
    # The gpu worker looks at pictures; here torch is not installed.
    screening = open_screens(settings.screens.model_copy(update={"classifier": None, "question": "never"}))
    access = openrouter_access(settings)
    try:
        rewrite.employ(rewrite.Desk(redis, open_blobs(settings.blob_url), access, screening, name))
        yield
    finally:
        rewrite.employ(None)


def openrouter_access(settings: DeliverySettings) -> Access | None:
    """How to reach OpenRouter; None without a key."""
    key = settings.openrouter_api_key
    if key is None:
        return None
    return Access(
        api_key=key.get_secret_value(),
        base_url=settings.openrouter_base_url,
        model=settings.openrouter_model,
        temperature=settings.openrouter_temperature,
    )


def _log_in(discord: Discord) -> None:
    try:
        discord.log_in()
    except NotNow as later:
        # The first job will try again; until then there is nothing to do for Discord.
        _log.warning("not logged in yet: %s", later)


def _stop_with(life: Connection) -> None:
    # Nothing is ever sent: readable means closed, and closed means the supervisor drains or is dead.
    life.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)
