"""A gpu worker as an operator starts it, on the sample model and a Redis of its own, and what a test asks of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from redis import Redis

from flux2.request import GenerationRequest
from flux2.screening.policy import UNRULED, Policy
from sandbox.processes import Child
from sandbox.redis_server import RedisServer
from worker.allowlist import open_queue
from worker.blobs import Blobs, open_blobs
from worker.contract import (
    EVENT,
    EVENTS,
    RENDER_TASK,
    WORKERS,
    Destination,
    Event,
    Heartbeat,
    RenderJob,
    RenderResult,
    Skeleton,
    gpu_queue,
    job_key,
    run_key,
    since,
    worker_key,
)
from worker.fence import CANCEL_LUA, Fence

E = TypeVar("E", bound=Event)
CHANNEL = 1311111111111111119
PATIENCE_S = 120.0
"""For what comes in a moment, on a machine that has none to spare."""


class Rig:
    """One Redis, one blob folder, and the gpu workers started on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = RedisServer(folder / "redis").start()
        self.redis = Redis.from_url(self.server.url)
        self.fence = Fence(self.redis)
        self.blob_url = (folder / "blobs").as_uri()
        self.workers: list[Child] = []
        self._lives: dict[int, int] = {}

    @property
    def blobs(self) -> Blobs:
        return open_blobs(self.blob_url)

    def start_worker(self, **settings: str) -> Child:
        """Start a gpu worker on `sample` without waiting for it."""
        name = f"gpu-{secrets.token_hex(2)}"
        defaults = {
            "REDIS_URL": self.server.url,
            "BLOB_URL": self.blob_url,
            "FLUX2_MODEL": "sample",
            "FLUX2_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
        }
        child = Child(name, ("worker", "--role", "gpu"), defaults | settings, self.folder, self.folder / f"{name}.log")
        child.start()
        self.workers.append(child)
        return child

    def worker_to_harm(self) -> Child:
        """Return a ready worker with short limits, whose child may be killed once: no third death makes it sick."""
        for child in self.workers:
            if child.returncode is None and self._lives.get(child.pid):
                self._lives[child.pid] -= 1
                self.wait_for_state(child, "idle")
                return child
        self.stop_workers()
        child = self.ready_worker(STALL_STEP_S="6", STALL_PHASE_S="60")
        self._lives[child.pid] = 1
        return child

    def ready_worker(self, **settings: str) -> Child:
        """Start a gpu worker and wait until it takes jobs."""
        child = self.start_worker(**settings)
        self.wait_for_state(child, "idle")
        return child

    def heartbeat(self, child: Child) -> Heartbeat | None:
        """What the worker says of itself; None before its first heartbeat and after its last."""
        for name in self.redis.zrange(WORKERS, 0, -1):
            if f"-{child.pid}-" in name.decode():
                body = self.redis.get(worker_key(name.decode()))
                return Heartbeat.model_validate_json(body) if body else None
        return None

    def wait_for_state(self, child: Child, state: str) -> Heartbeat:
        """Wait until the worker says that it is `state`."""

        def look() -> Heartbeat | None:
            assert child.returncode is None, child.log_tail(50)
            beat = self.heartbeat(child)
            return beat if beat and beat.state == state else None

        return self.wait(look, f"{child.name} {state}")

    def model_process(self, child: Child) -> psutil.Process:
        """The worker's resident child, once there is one."""

        def look() -> psutil.Process | None:
            living = psutil.Process(child.pid).children()
            return living[0] if len(living) == 1 and living[0].status() != psutil.STATUS_ZOMBIE else None

        process: psutil.Process = self.wait(look, f"child of {child.name}")
        return process

    def submit(self, *, attempt: int = 1, job_id: str | None = None, policy: Policy = UNRULED, **request: Any) -> str:
        """Dispatch a job as the bot does and return its id."""
        job_id = job_id or secrets.token_hex(8)
        values = {"prompt": "a red circle", "width": 128, "height": 128, "num_inference_steps": 4, "seed": 1} | request
        drawn = GenerationRequest.model_validate({"model": "sample", **values})
        job = RenderJob(
            job_id=job_id,
            request=drawn,
            skeleton=Skeleton(
                content="x", nonce=f"r{job_id}", file_stem=f"flux2-{job_id}", file_size_limit=10**7,
                failure_nonce=f"n{job_id}",
            ),
            destination=Destination(channel_id=CHANNEL),
            policy=policy,
            schema_version=since(drawn, policy=policy),
        )  # fmt: skip
        self.redis.set(job_key(job_id), job.model_dump_json())
        self.enqueue(job_id, attempt)
        return job_id

    def submit_long(self) -> str:
        """Dispatch a job that runs for at least ten seconds on any machine."""
        return self.submit(width=512, height=512, num_inference_steps=50, count=4)

    def enqueue(self, job_id: str, attempt: int) -> None:
        """What the dispatcher and the reconciler do for one attempt."""
        open_queue(gpu_queue("sample"), self.redis).enqueue_call(
            RENDER_TASK, args=[job_id], job_id=f"{job_id}-r{attempt}", unique=True, timeout=3600, result_ttl=0,
            failure_ttl=0, description=job_id,
        )  # fmt: skip

    def cancel(self, job_id: str) -> bool:
        """What the bot does when a member presses Cancel on a running job."""
        return bool(self.redis.eval(CANCEL_LUA, 1, run_key(job_id)))

    def events(self, job_id: str) -> list[Event]:
        """All events of the job, in order."""
        everything = [EVENT.validate_json(fields[b"event"]) for _, fields in self.redis.xrange(EVENTS)]
        return [event for event in everything if event.job_id == job_id]

    def wait_for_event(self, job_id: str, kind: type[E], attempt: int | None = None) -> E:
        """Wait for the first event of that kind (and attempt)."""

        def look() -> E | None:
            for event in self.events(job_id):
                if isinstance(event, kind) and attempt in (None, getattr(event, "attempt", None)):
                    return event
            return None

        return self.wait(look, f"{kind.__name__} of {job_id}")

    def result(self, job_id: str) -> RenderResult:
        """The accepted result."""
        result = self.fence.result(job_id)
        assert result is not None
        return result

    def rq_keys(self, job_id: str) -> list[bytes]:
        """Everything RQ still keeps under the job's RQ ids, its deliver entry aside."""
        return list(self.redis.scan_iter(f"rq:*{job_id}-r*"))

    def wait(self, look: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
        """Return the first truthy answer of `look`; on time-out fail with the workers' logs."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.05)
        logs = "\n\n".join(child.log_tail(40) for child in self.workers)
        raise AssertionError(f"no {what} within {timeout_s:g} s\n{logs}")

    def stop_workers(self) -> None:
        """End every worker; nobody waits for what they were at."""
        for child in self.workers:
            child.kill()
        self.workers.clear()

    def close(self) -> None:
        """End everything that still runs."""
        self.stop_workers()
        self.redis.close()
        self.server.stop()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A rig for one module's tests."""
    rig = Rig(tmp_path_factory.mktemp("rig"))
    yield rig
    rig.close()
