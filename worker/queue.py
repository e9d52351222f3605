"""Putting work on the io lanes. Knows queue names and RQ's options; not what delivery does."""

from __future__ import annotations

from redis import Redis
from rq.exceptions import DuplicateJobError

from worker.allowlist import open_queue
from worker.contract import DELIVER_TASK, deliver_queue

_DELIVER_TIMEOUT_S = 600
"""RQ's own limit on one delivery; the task gives up long before."""


def enqueue_delivery(redis: Redis, job_id: str, channel_id: int) -> None:
    """Ask the channel's lane to post the job's result. Asking twice is asking once.

    Raises redis.RedisError.
    """
    try:
        open_queue(deliver_queue(channel_id), redis).enqueue_call(
            DELIVER_TASK,
            args=[job_id],
            job_id=f"{job_id}-d0",
            unique=True,
            timeout=_DELIVER_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=0,
            description=job_id,
        )
    except DuplicateJobError:
        # Already there: an earlier try whose reply was lost, or the reconciler was faster.
        return
