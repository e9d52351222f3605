"""Puts the job of a dead lane back on its queue at once, instead of when RQ's lease on it ends.

Only whoever has seen the process die may call it: RQ itself cannot tell dead from slow. Knows RQ's books of a job;
not what the job was.
"""

from __future__ import annotations

import logging

from redis import Redis
from rq.exceptions import NoSuchJobError
from rq.serializers import JSONSerializer
from rq.utils import as_text

from worker.allowlist import AllowedJob, open_queue

_log = logging.getLogger(__name__)
_WORKER_KEY = "rq:worker:{}"
_SALVAGED_KEY = "rq:salvaged:{}"
"""Beside RQ's own keys, because that is where the Redis user of the io role may write."""
_ONCE_S = 3600


def salvage(redis: Redis, queue: str, worker_name: str) -> bool:
    """Requeue, at the front, what `worker_name` held when it died. True if there was something to save.

    Once per RQ job: one that has killed two lanes waits for RQ's lease, so that it cannot hold its lane for ever.
    Raises redis.RedisError.
    """
    held = redis.hget(_WORKER_KEY.format(worker_name), "current_job")
    if held is None:
        return False
    try:
        job = AllowedJob.fetch(as_text(held), connection=redis, serializer=JSONSerializer)
    except NoSuchJobError:
        return False
    if not redis.set(_SALVAGED_KEY.format(job.id), worker_name, nx=True, ex=_ONCE_S):
        _log.error("job %s has ended two lanes", job.id)
        return False
    with redis.pipeline() as pipeline:
        open_queue(queue, redis).enqueue_job(job, pipeline=pipeline, at_front=True)
        for execution in job.get_executions():
            if execution.worker_name == worker_name:
                execution.delete(job=job, pipeline=pipeline)
        pipeline.execute()
    _log.warning("job %s of the dead lane %s is queued again", job.id, worker_name)
    return True
