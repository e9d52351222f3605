"""Putting work on RQ's queues and taking it off again. Knows RQ's options and the keys a job is dispatched under.

RQ is synchronous, so every call runs in a thread. Calls may be repeated: what is there already counts as success.
Declines to know whose turn it is (bot/dispatcher.py) and what became of a job (bot/traces.py).
"""

from __future__ import annotations

import asyncio

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq.exceptions import DuplicateJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job as Entry
from rq.queue import Queue
from rq.serializers import JSONSerializer

from bot.ledger.job import Job, State
from worker.contract import (
    DELIVER_TASK,
    IO_QUEUE,
    RENDER_TASK,
    REWRITE_TASK,
    Destination,
    RenderJob,
    answer_key,
    deliver_queue,
    gpu_queue,
    job_key,
    run_key,
    since,
)
from worker.fence import CANCEL_LUA

_SOCKET_TIMEOUT_S = 2.0
_RETRIES = 1
_RENDER_TIMEOUT_S = 3600
"""RQ's own limit; the worker's watchdog acts long before."""
_DELIVER_TIMEOUT_S = 600
_REWRITE_TIMEOUT_S = 600


def render_entry(job_id: str, attempt: int) -> str:
    """RQ id of a dispatch."""
    return f"{job_id}-r{attempt}"


def deliver_entry(job_id: str, number: int) -> str:
    """RQ id of a delivery; the worker's own has number 0."""
    return f"{job_id}-d{number}"


def rewrite_entry(job_id: str, attempt: int) -> str:
    """RQ id of a prompt sent to be rewritten."""
    return f"{job_id}-w{attempt}"


def dispatch_of(job: Job) -> tuple[str, str]:
    """The queue a job is on before it has a result, and its RQ id there."""
    if job.state is State.REWRITING:
        return IO_QUEUE, rewrite_entry(job.id, job.attempt)
    return gpu_queue(job.request.model), render_entry(job.id, job.attempt)


def destination_of(job: Job) -> Destination:
    """Where the result of a job goes that was placed."""
    assert job.destination is not None, f"job {job.id} was picked without a destination"
    return job.destination


def wire(job: Job) -> str:
    """What workers read of a job."""
    return RenderJob(
        schema_version=since(job.request, destination_of(job), job.policy),
        job_id=job.id,
        kind=job.request.kind,
        request=job.request,
        skeleton=job.skeleton,
        destination=destination_of(job),
        notes=job.notes,
        policy=job.policy,
    ).model_dump_json()


class WorkQueue:
    """The queues of one Redis. Every method raises redis.RedisError where it cannot be reached, within some seconds."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queues: dict[str, Queue] = {}

    @classmethod
    def connect(cls, url: str) -> WorkQueue:
        """Give up early on a Redis that does not answer: the ledger keeps the work meanwhile."""
        return cls(
            Redis.from_url(
                url,
                socket_timeout=_SOCKET_TIMEOUT_S,
                socket_connect_timeout=_SOCKET_TIMEOUT_S,
                retry=Retry(ExponentialBackoff(cap=0.5, base=0.1), _RETRIES),
            )
        )

    @property
    def redis(self) -> Redis:
        """The connection, for those who look rather than enqueue."""
        return self._redis

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._redis.close)

    async def render(self, job: Job) -> None:
        """Write the job where workers read it and enqueue its current attempt."""
        await asyncio.to_thread(self._dispatch, job, RENDER_TASK, _RENDER_TIMEOUT_S)

    async def rewrite(self, job: Job) -> None:
        """The same for a job whose words come from a hosted language model."""
        await asyncio.to_thread(self._dispatch, job, REWRITE_TASK, _REWRITE_TIMEOUT_S)

    async def deliver(self, job: Job, number: int) -> None:
        """Enqueue delivery `number` on the lane of the job's channel."""
        lane = deliver_queue(destination_of(job).channel_id)
        await asyncio.to_thread(
            self._enqueue, lane, DELIVER_TASK, job.id, deliver_entry(job.id, number), _DELIVER_TIMEOUT_S
        )

    async def write_job(self, job: Job) -> None:
        """Write the job where workers read it, once more."""
        await asyncio.to_thread(self._write, job)

    async def cancel(self, job_id: str) -> bool:
        """Set the flag that stops a run and refuses its result. False: a result is accepted already."""
        return bool(await asyncio.to_thread(lambda: self._redis.register_script(CANCEL_LUA)(keys=[run_key(job_id)])))

    async def withdraw(self, job: Job) -> bool:
        """Take the current attempt off the queue. True: no worker had it, and none will."""
        return await asyncio.to_thread(self._withdraw, job)

    def queue(self, name: str) -> Queue:
        """RQ's object for the queue `name`."""
        if name not in self._queues:
            self._queues[name] = Queue(name, connection=self._redis, serializer=JSONSerializer)
        return self._queues[name]

    def _dispatch(self, job: Job, task: str, timeout_s: int) -> None:
        self._write(job)
        name, entry = dispatch_of(job)
        self._enqueue(name, task, job.id, entry, timeout_s)

    def _write(self, job: Job) -> None:
        answer = job.status.answer if job.status else None
        if answer is not None:
            # Gone by itself when it is of no use any more.
            self._redis.set(answer_key(job.id), answer.model_dump_json(), exat=int(answer.expires_at.timestamp()))
        self._redis.set(job_key(job.id), wire(job))

    def _enqueue(self, name: str, task: str, job_id: str, entry: str, timeout_s: int) -> None:
        try:
            self.queue(name).enqueue_call(
                task,
                args=[job_id],
                job_id=entry,
                unique=True,
                timeout=timeout_s,
                result_ttl=0,
                failure_ttl=0,
                # Never the prompt: dashboards show descriptions.
                description=job_id,
            )
        except DuplicateJobError:
            # An earlier try arrived though its reply was lost.
            return

    def _withdraw(self, job: Job) -> bool:
        name, entry = dispatch_of(job)
        key = self.queue(name).key
        taken = self._redis.lrem(key, 0, entry)
        # One stuck behind a worker that died after popping it would come back with RQ's own clean-up.
        self._redis.lrem(IntermediateQueue.get_intermediate_queue_key(key), 0, entry)
        self._redis.delete(Entry.key_for(entry))
        return bool(taken)
