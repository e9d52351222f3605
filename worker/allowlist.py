"""What may be called from a queue: the names in `worker.contract.TASKS` and nothing else.

Write access to Redis must not become code execution. RQ imports whatever dotted name a payload carries, runs callbacks
and sends webhooks; the classes here refuse all three and survive payloads that cannot be read at all.
Declines to know what the tasks do.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import DequeueTimeout, DeserializationError
from rq.executions import Execution, ExecutionRegistry
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from worker.contract import TASKS

_log = logging.getLogger(__name__)
_JOB_ID = re.compile(rb"[A-Za-z0-9_-]{1,200}")


class TaskRefused(PermissionError):
    """A payload names something that is not a task of ours, or cannot be read."""


class SurvivingExecutions(ExecutionRegistry):
    """The executions of a job that are still there.

    RQ lists them for a minute longer than it keeps them, and its clean-up of a dead worker's job ends the living worker
    with a ValueError in that minute.
    """

    def get_executions(self, start: int = 0, end: int = -1) -> list[Execution]:
        """Return those that can be fetched."""
        found = []
        for execution_id in self.get_execution_ids(start, end):
            with contextlib.suppress(ValueError):
                found.append(Execution.fetch(execution_id, self.job_id, self.connection))
        return found


class AllowedJob(Job):
    """An RQ job that resolves nothing but the tasks on the list, called with one job id."""

    def task(self) -> tuple[str, str]:
        """Return (task name, job id). Raises TaskRefused for every other payload."""
        try:
            name, instance, arguments, keywords = self.func_name, self.instance, self.args, self.kwargs
        except (DeserializationError, ValueError, TypeError) as error:
            raise TaskRefused(f"{self.id}: the payload is not one of ours") from error
        if not isinstance(name, str) or name not in TASKS or instance is not None or keywords:
            raise TaskRefused(f"{self.id}: {name!r:.100} is not a task")
        if not isinstance(arguments, list | tuple) or len(arguments) != 1 or not isinstance(arguments[0], str):
            raise TaskRefused(f"{self.id}: a task takes one job id")
        return name, arguments[0]

    @property
    def func(self) -> Callable[..., Any] | None:
        """The task, imported only after its name was found on the list. Raises TaskRefused.

        A task is a module of that name with a function of its own name inside: `worker.tasks.deliver.deliver`.
        """
        name, _ = self.task()
        function: Callable[..., Any] = getattr(importlib.import_module(name), name.rpartition(".")[2])
        return function

    @property
    def execution_registry(self) -> ExecutionRegistry:
        """The job's executions, without those RQ has forgotten."""
        return SurvivingExecutions(self.id, connection=self.connection)

    @property
    def success_callback(self) -> None:
        """Never: a callback is a second dotted name in the payload."""
        return

    @property
    def failure_callback(self) -> None:
        """Never."""
        return

    @property
    def stopped_callback(self) -> None:
        """Never."""
        return

    def send_webhooks(self, status: object, *, exc_string: str | None = None) -> None:
        """Never: the payload would choose where we connect to."""


class AllowedQueue(Queue):
    """A queue of allowed jobs, read as JSON."""

    job_class = AllowedJob

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> tuple[str, bytes] | None:
        """Pop into the intermediate list as RQ does, but drop an id RQ would never have made."""
        popped = super().lmove(connection, queue_key, timeout)
        if popped is not None and not _JOB_ID.fullmatch(popped[1]):
            _log.error("refused the entry %.100r in %s", popped[1], queue_key)
            connection.lrem(IntermediateQueue(queue_key, connection).key, 1, popped[1])
            raise DequeueTimeout(timeout, queue_key)
        return popped  # type: ignore[no-any-return]

    @classmethod
    def dequeue_any(cls, queues: Iterable[Queue], *args: Any, **kwargs: Any) -> tuple[Job, Queue] | None:
        """Pop as RQ does, but drop an entry whose hash cannot be read instead of ending the worker."""
        try:
            return super().dequeue_any(queues, *args, **kwargs)
        except (RedisError, DequeueTimeout):
            raise
        except Exception as error:  # whatever a forged hash makes RQ's parsing raise
            queue, job_id = getattr(error, "queue", None), getattr(error, "job_id", None)
            if not isinstance(queue, Queue) or not isinstance(job_id, str):
                raise
            _log.exception("refused the unreadable entry %r", job_id)
            IntermediateQueue(queue.key, queue.connection).remove(job_id)
            raise DequeueTimeout(0, queue.key) from error


def open_queue(name: str, redis: Redis) -> AllowedQueue:
    """Return the queue `name`; workers and enqueuers alike use it."""
    return AllowedQueue(name, connection=redis, job_class=AllowedJob, serializer=JSONSerializer)
