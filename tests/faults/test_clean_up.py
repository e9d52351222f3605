"""RQ's own clean-up, which is not locked against itself, never puts an abandoned job of ours on its queue twice."""

from __future__ import annotations

import contextlib
import secrets
import threading

from redis import Redis
from rq.exceptions import InvalidJobOperation
from rq.job import JobStatus
from rq.registry import StartedJobRegistry

from sandbox.redis_server import RedisServer
from worker.allowlist import AllowedJob, open_queue
from worker.contract import RENDER_TASK, gpu_queue

_ROUNDS = 40


def test_two_clean_ups_at_once_requeue_nothing_twice(redis_server: RedisServer) -> None:
    """Rounds of two concurrent clean-ups over an abandoned entry leave at most one copy, under one name: the ledger
    alone decides that a render runs again."""
    with Redis.from_url(redis_server.url) as redis:
        queue = open_queue(gpu_queue("sample"), redis)
        registry = StartedJobRegistry("gpu:sample", connection=redis, job_class=AllowedJob, serializer=queue.serializer)
        for _ in range(_ROUNDS):
            entry = f"{secrets.token_hex(8)}-r1"
            job = queue.enqueue_call(
                RENDER_TASK, args=[entry[:16]], job_id=entry, unique=True, result_ttl=0, failure_ttl=0
            )
            queue.remove(entry)
            job.set_status(JobStatus.STARTED)
            # Its worker's lease ended long ago.
            redis.zadd(registry.key, {f"{entry}:{secrets.token_hex(4)}": 1})
            barrier = threading.Barrier(2)

            def clean(barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                # What the slower one raises over a job that the faster one has deleted.
                with contextlib.suppress(InvalidJobOperation):
                    registry.cleanup()

            threads = [threading.Thread(target=clean) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert queue.get_job_ids().count(entry) <= 1
            assert not redis.zrange(registry.key, 0, -1)
            redis.delete(queue.key)
