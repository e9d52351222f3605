"""RQ's clean-up meets a job that vanishes under its hands."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq.job import JobStatus
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import Worker

from sandbox.redis_server import RedisServer
from worker.allowlist import AllowedJob, AllowedQueue, open_queue
from worker.contract import RENDER_TASK
from worker.maintenance import LastingWorker


class _Lasting(LastingWorker, Worker):
    """As the gpu worker has it."""


class _Vanishing(AllowedJob):
    """A job that the bot deletes just after the clean-up has read it."""

    @classmethod
    def fetch(cls, id: str, *args: Any, **kwargs: Any) -> _Vanishing:
        job = super().fetch(id, *args, **kwargs)
        job.connection.delete(job.key)
        return job  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", [_Lasting, Worker])
def test_a_vanished_job_ends_the_clean_up_and_not_the_worker(redis_server: RedisServer, kind: type[Worker]) -> None:
    """Our worker goes on and leaves the lock open for the next clean-up; RQ's own raises, which is why ours exists."""
    with Redis.from_url(redis_server.url) as redis:
        queue = open_queue("gpu:sample", redis)
        job = queue.enqueue_call(RENDER_TASK, args=["0" * 16], job_id=f"{'0' * 16}-r1", result_ttl=0, failure_ttl=0)
        queue.remove(job.id)
        job.set_status(JobStatus.STARTED)
        redis.zadd(StartedJobRegistry("gpu:sample", connection=redis).key, {f"{job.id}:abc": 1})
        worker = kind(
            [AllowedQueue("gpu:sample", connection=redis, job_class=_Vanishing, serializer=JSONSerializer)],
            connection=redis, job_class=_Vanishing, queue_class=AllowedQueue, serializer=JSONSerializer,
        )  # fmt: skip
        if kind is Worker:
            with pytest.raises(Exception, match="Failed to retrieve status"):
                worker.clean_registries()
            return
        worker.clean_registries()
        assert not redis.exists(queue.registry_cleaning_key)
