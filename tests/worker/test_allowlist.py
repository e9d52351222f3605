"""Write access to Redis is not code execution: a real RQ worker meets hostile payloads and lives."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Retry, SimpleWorker
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from sandbox.redis_server import RedisServer
from worker.allowlist import AllowedJob, AllowedQueue, TaskRefused, open_queue
from worker.contract import DELIVER_TASK, RENDER_TASK

HOSTILE: list[tuple[str, list[Any]]] = [
    ("os.system", ["touch {trap}"]),
    ("subprocess.check_call", [["touch", "{trap}"]]),
    ("worker.tasks.other", ["x"]),
    ("worker.template.fill", ["x"]),
    ("", ["x"]),
]


class Bomb:
    """Unpickling it runs a command."""

    def __init__(self, trap: Path) -> None:
        self._trap = trap

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self._trap}",)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url) as client:
        yield client


def work(client: Redis) -> bool:
    """Let a stock RQ worker on our classes empty the queue; its end by itself is what `burst` is."""
    worker = SimpleWorker(
        [open_queue("q", client)],
        connection=client,
        job_class=AllowedJob,
        queue_class=AllowedQueue,
        serializer=JSONSerializer,
    )
    return bool(worker.work(burst=True))


def plain_queue(client: Redis) -> Queue:
    """The attacker's own queue object, without our classes."""
    return Queue("q", connection=client, serializer=JSONSerializer)


@pytest.mark.parametrize(("name", "arguments"), HOSTILE)
def test_a_name_off_the_list_is_not_called(client: Redis, tmp_path: Path, name: str, arguments: list[Any]) -> None:
    """Any importable dotted name but our tasks is refused before it is imported, and the worker goes on."""
    trap = tmp_path / "trap"
    baited = JSONSerializer.loads(JSONSerializer.dumps(arguments).replace(b"{trap}", str(trap).encode()))
    job = plain_queue(client).enqueue_call(name or "nothing", args=baited, failure_ttl=60)
    assert work(client)
    assert not trap.exists()
    assert job.get_status() is JobStatus.FAILED


def test_a_pickled_payload_is_not_read(client: Redis, tmp_path: Path) -> None:
    """A pickle in place of the JSON payload, the meta or the result runs nothing."""
    trap = tmp_path / "trap"
    bomb = pickle.dumps(Bomb(trap))
    job = plain_queue(client).enqueue_call(RENDER_TASK, args=["x"], failure_ttl=60)
    client.hset(job.key, mapping={"data": bomb, "meta": bomb, "result": bomb})
    assert work(client)
    assert not trap.exists()
    assert job.get_status() is JobStatus.FAILED


def test_callbacks_are_off(client: Redis) -> None:
    """Dotted names in the callback fields resolve for stock RQ and for nobody here."""
    hook = Callback("os.getcwd")
    job = plain_queue(client).enqueue_call(RENDER_TASK, args=["x"], on_success=hook, on_failure=hook, on_stopped=hook)
    stock = Job.fetch(job.id, connection=client, serializer=JSONSerializer)
    assert (stock.success_callback, stock.failure_callback, stock.stopped_callback) == (os.getcwd,) * 3
    allowed = AllowedJob.fetch(job.id, connection=client, serializer=JSONSerializer)
    assert (allowed.success_callback, allowed.failure_callback, allowed.stopped_callback) == (None,) * 3


def test_webhooks_are_off(client: Redis) -> None:
    """The payload cannot make a worker connect anywhere."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hook = Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/", JobStatus.FAILED)
        plain_queue(client).enqueue_call("os.system", args=["true"], failure_ttl=60, webhooks=[hook])
        assert work(client)
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    "payload", [{"status": b"no such status"}, {"timeout": b"\xff"}, {"created_at": b"yesterday"}, {"data": b"\x00"}]
)
def test_a_forged_hash_does_not_end_the_worker(client: Redis, payload: dict[str, bytes]) -> None:
    """An entry RQ's own parser chokes on is dropped; the next job is reached."""
    forged = plain_queue(client).enqueue_call(RENDER_TASK, args=["x"])
    client.hset(forged.key, mapping=payload)
    after = plain_queue(client).enqueue_call("os.system", args=["true"], failure_ttl=60)
    assert work(client)
    assert after.get_status() is JobStatus.FAILED
    assert client.lrange("rq:queue:q:intermediate", 0, -1) == []


@pytest.mark.parametrize("entry", [b"\xff\xfe", b"a:b", b"../../etc", b""])
def test_an_impossible_id_does_not_end_the_worker(client: Redis, entry: bytes) -> None:
    """An id RQ would never have made is dropped from the queue and the intermediate list."""
    client.rpush("rq:queue:q", entry)
    after = plain_queue(client).enqueue_call("os.system", args=["true"], failure_ttl=60)
    queue = open_queue("q", client)
    while after.get_status() is JobStatus.QUEUED:
        work(client)
    assert client.lrange(queue.intermediate_queue_key, 0, -1) == []


@pytest.mark.parametrize("arguments", [[], [1], [{"a": 1}], ["a", "b"]])
def test_a_task_takes_one_job_id(client: Redis, arguments: list[Any]) -> None:
    """The right name with other arguments is refused too."""
    job = open_queue("q", client).enqueue_call(DELIVER_TASK, args=arguments)
    with pytest.raises(TaskRefused):
        AllowedJob.fetch(job.id, connection=client, serializer=JSONSerializer).task()


def test_ours_passes(client: Redis) -> None:
    """A payload as the bot writes it gives back its task and job id."""
    job = open_queue("q", client).enqueue_call(
        RENDER_TASK, args=["0123"], retry=Retry(1), job_id="0123-r1", unique=True
    )
    assert isinstance(job, AllowedJob)
    assert AllowedJob.fetch(job.id, connection=client, serializer=JSONSerializer).task() == (RENDER_TASK, "0123")


def test_the_job_of_a_dead_worker_does_not_end_the_next_one(client: Redis) -> None:
    """RQ's clean-up meets an abandoned job whose execution has expired, drops it, and the next job is reached."""
    queue = open_queue("q", client)
    abandoned = queue.enqueue_call(RENDER_TASK, args=["x"], result_ttl=0, failure_ttl=0)
    dead = SimpleWorker([queue], connection=client, job_class=AllowedJob, serializer=JSONSerializer)
    assert AllowedQueue.dequeue_any([queue], 1, connection=client, job_class=AllowedJob, serializer=JSONSerializer)
    execution = dead.prepare_execution(abandoned)
    client.lrem(queue.intermediate_queue_key, 1, abandoned.id)
    client.delete(execution.key)  # what 90 silent seconds do, a minute before the lists forget it
    client.zadd(queue.started_job_registry.key, {execution.composite_key: 1})
    after = plain_queue(client).enqueue_call("os.system", args=["true"], failure_ttl=60)
    assert work(client)
    assert after.get_status() is JobStatus.FAILED
    assert not client.exists(abandoned.key)
    assert queue.started_job_registry.get_job_ids(cleanup=False) == []
