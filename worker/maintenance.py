"""RQ's clean-up of its own registries, for workers that must not end over it.

It looks at a job and then acts on it, and in between somebody else may delete that job: the bot when it takes an entry
off a queue, or another clean-up. RQ's own worker ends with the exception, and its lock keeps everybody from
cleaning for a quarter of an hour. Declines to know what is cleaned.
"""

from __future__ import annotations

import logging

from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.utils import now
from rq.worker import BaseWorker

_log = logging.getLogger(__name__)


class LastingWorker(BaseWorker):
    """Gives up a clean-up that met a vanished job and lets the next one start. Goes before RQ's own among the bases."""

    def clean_registries(self) -> None:
        """Clean as RQ does. Raises redis.RedisError where Redis is away."""
        try:
            super().clean_registries()  # type: ignore[no-untyped-call]
        except (InvalidJobOperation, NoSuchJobError, ValueError) as error:
            _log.info("a job vanished while RQ cleaned up: %s", error)
            for queue in self.queues:
                queue.release_maintenance_lock()  # type: ignore[no-untyped-call]
            self.last_cleaned_at = now()  # type: ignore[assignment]  # as RQ does, which declares None
