"""Role gpu, the parent: pops jobs of one model from one queue and has its resident child run them. No torch, no CUDA.

An RQ worker in what Redis sees (registration, pop, execution, heartbeat); RQ's opinion of a job's end is never asked:
the fence decides it, and the RQ entry is deleted whatever happened.
"""

from __future__ import annotations

import logging
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import DequeueTimeout
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from flux2.models import Model
from worker.allowlist import AllowedJob, AllowedQueue, TaskRefused, open_queue
from worker.attempt import Attempt, End, Outcome
from worker.contract import HEARTBEAT_S, RENDER_TASK, Heartbeat, gpu_queue
from worker.control import Orders
from worker.fence import Fence, Refusal
from worker.gauge import Gauge
from worker.heartbeat import Beacon
from worker.keeper import Keeper
from worker.maintenance import LastingWorker
from worker.patience import Left, Patience
from worker.pipe import Order
from worker.settlement import Settlement
from worker.shutdown import Shutdown
from worker.watchdog import Limits

_log = logging.getLogger(__name__)

_POP_S = 1
_PAUSE_S = 1.0
_PUT_BACK_REST_S = 5.0
"""After putting a job back: time for a newer worker to take it."""


class GpuWorker(LastingWorker, Worker):
    """Serves one model until it is told to stop. `serve` takes the place of RQ's `work`."""

    def __init__(
        self,
        name: str,
        model: Model,
        *,
        redis: Redis,
        fence_redis: Redis,
        keeper: Keeper,
        limits: Limits,
        shutdown: Shutdown,
        screens: tuple[str, ...] = (),
    ) -> None:
        """`redis` carries RQ's blocking pop; `fence_redis` answers or fails within a second or two."""
        super().__init__(
            [open_queue(gpu_queue(model.name), redis)],
            name=name,
            connection=redis,
            job_class=AllowedJob,
            queue_class=AllowedQueue,
            serializer=JSONSerializer,
            maintenance_interval=10,
            worker_ttl=20,
        )
        self._model = model
        self._screens = screens
        self._fence = Fence(fence_redis)
        self._beacon = Beacon(fence_redis)
        self._orders = Orders(fence_redis, name)
        self._patience = Patience(shutdown)
        self._settlement = Settlement(fence_redis, self._patience)
        self._keeper = keeper
        self._limits = limits
        self._stopping = shutdown
        self._job_id: str | None = None
        self._memory_used_bytes: int | None = None
        self._gauge = Gauge()
        self._beaten_at = 0.0
        self._beaten_state = ""
        self._rests_until = 0.0

    @property
    def dequeue_timeout(self) -> int:
        """Seconds one pop waits: short, so that signals and a dead child are seen."""
        return _POP_S

    @property
    def connection_timeout(self) -> int:
        """Seconds before a silent connection is given up."""
        return _POP_S + 4

    def serve(self) -> None:
        """Load, then run jobs until told to stop. Raises keeper.WeightsUnloadable."""
        self._stopping.install()
        try:
            self._patience.until_asked(self.register_birth)
            while not self._stopping.is_wanted:
                try:
                    self._turn()
                except RedisError as error:
                    _log.warning("Redis cannot be reached, trying again: %s", error)
                    time.sleep(_PAUSE_S)
        except Left:
            _log.warning("left while Redis was away; the lease runs out by itself")
        finally:
            self._keeper.close()
            self._say_goodbye()

    def _turn(self) -> None:
        """One round: a loaded child first, then at most one job."""
        if self._orders.look():
            _log.info("starting a new child, as asked")
            self._keeper.restart()
        self._beat()
        if self._keeper.is_sick:
            time.sleep(_PAUSE_S)
            return
        if self._keeper.resident() is None:
            self._keeper.load(self._wants_to_load)
            self._beat()
            return
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        if self._orders.drains or time.monotonic() < self._rests_until:
            time.sleep(_PAUSE_S)
            return
        popped = self._pop()
        if popped:
            self.execute_job(*popped)

    def _wants_to_load(self) -> bool:
        self._beat()
        return not self._stopping.is_wanted

    def _pop(self) -> tuple[Job, Queue] | None:
        try:
            return self.queue_class.dequeue_any(
                self.queues, _POP_S, connection=self.connection, job_class=self.job_class, serializer=self.serializer
            )
        except DequeueTimeout:
            return None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run `job` if the fence lets us, and delete its RQ entry unless a newer worker has to take it."""
        try:
            job_id = self._job_id_of(job)
        except TaskRefused as refused:
            _log.error("refused a payload: %s", refused)  # the trace says nothing more
            self._forget(job)
            return
        self._patience.until_asked(lambda: self._prepare(job))
        begun = self._patience.until_asked(lambda: self._fence.begin(job_id, self.name))
        if begun is Refusal.NEWER:
            _log.warning("job %s was written by a newer bot; put back for a newer worker, upgrade this one", job_id)
            self._put_back(job, queue)
            return
        if isinstance(begun, Refusal):
            _log.info("job %s is not run: %s", job_id, begun)
            if begun is Refusal.POISONED:
                _log.error("job %s is quarantined: its earlier starts did not survive", job_id)
                self._settlement.deliver(job_id)
        else:
            self._run(job, job_id, begun)
        self._forget(job)

    @staticmethod
    def _job_id_of(job: Job) -> str:
        if not isinstance(job, AllowedJob):
            raise TaskRefused(f"{job.id} was not read by this worker's queue")
        name, job_id = job.task()
        if name != RENDER_TASK:
            raise TaskRefused(f"{job.id}: {name} does not run on a gpu queue")
        return job_id

    def _run(self, rq_job: Job, job_id: str, attempt: int) -> None:
        """Run attempt `attempt`, which holds the lease, and settle how it ended."""
        self._job_id = job_id
        self._beat()
        try:
            job, resident = self._settlement.read(job_id), self._keeper.resident()
            if job is None:
                self._settlement.refuse(job_id, attempt)
            elif resident is None:
                # It died between the pop and now: not this job's doing.
                self._settlement.release(job_id, attempt, End.DIED, charged=False)
            else:
                outcome = Attempt(
                    resident,
                    Order(job_id=job_id, attempt=attempt, request=job.request, policy=job.policy),
                    self._fence,
                    self._limits,
                    beat=lambda: self._beat(rq_job),
                    must_leave=lambda: self._stopping.is_urgent,
                ).run()
                _log.info("job %s, attempt %d: %s", job_id, attempt, outcome.end)
                self._look_after_child(job_id, outcome)
                self._settlement.settle(job_id, attempt, outcome)
        finally:
            self._job_id = None

    def _look_after_child(self, job_id: str, outcome: Outcome) -> None:
        match outcome.end:
            case End.DONE:
                self._memory_used_bytes = outcome.memory_used_bytes
            case End.DRAINED:
                self._keeper.close()
            case End.DIED | End.STALLED | End.IGNORED:
                self._keeper.lost(job_id if outcome.was_begun else None)

    def _prepare(self, job: Job) -> None:
        self.prepare_execution(job)
        self.prepare_job_execution(job, remove_from_intermediate_queue=True)

    def _forget(self, job: Job) -> None:
        """Delete every trace RQ keeps of the job; what Redis does not let us delete now expires by itself."""
        try:
            with self.connection.pipeline() as pipeline:
                self.cleanup_execution(job, pipeline)
                pipeline.lrem(Queue(job.origin, connection=self.connection).intermediate_queue_key, 1, job.id)
                pipeline.delete(job.key, job.dependents_key, job.dependencies_key, job.execution_registry.key)
                self.set_state(WorkerStatus.IDLE, pipeline=pipeline)
                pipeline.execute()
        except RedisError as error:
            _log.warning("RQ's entry of %s was not deleted: %s", job.id, error)

    def _put_back(self, job: Job, queue: Queue) -> None:
        with self.connection.pipeline() as pipeline:
            self.cleanup_execution(job, pipeline)
            job.set_status(JobStatus.QUEUED, pipeline=pipeline)
            queue.push_job_id(job.id, pipeline=pipeline)
            self.set_state(WorkerStatus.IDLE, pipeline=pipeline)
            pipeline.execute()
        self._rests_until = time.monotonic() + _PUT_BACK_REST_S

    def _beat(self, job: Job | None = None) -> None:
        """Be seen: every HEARTBEAT_S seconds and at each change of state. A Redis that is away stops nothing."""
        heartbeat = self._heartbeat()
        now = time.monotonic()
        if heartbeat.state == self._beaten_state and now - self._beaten_at < HEARTBEAT_S:
            return
        self._beaten_at, self._beaten_state = now, heartbeat.state
        try:
            self._beacon.beat(heartbeat)
            if job is None:
                self.heartbeat()
            else:
                self.maintain_heartbeats(job)
        except RedisError as error:
            _log.warning("no heartbeat: %s", error)

    def _heartbeat(self) -> Heartbeat:
        ready = self._keeper.ready
        state = "idle"
        if self._keeper.is_sick:
            state = "sick"
        elif self._stopping.is_wanted or (self._orders.drains and not self._job_id):
            state = "draining"
        elif self._job_id:
            state = "busy"
        elif ready is None:
            state = "loading"
        self._gauge.watch(ready.card if ready else None)
        reading = self._gauge.reading
        used = self._memory_used_bytes or (ready.memory_used_bytes if ready else None)
        return Heartbeat.model_validate(
            {
                "name": self.name,
                "role": "gpu",
                "state": state,
                "model": self._model,
                "loading_percent": self._keeper.percent if state == "loading" else None,
                "device": ready.device if ready else "",
                "memory_used_bytes": reading.memory_used_bytes if reading else used,
                "memory_total_bytes": ready.memory_total_bytes if ready else None,
                "temperature_c": reading.temperature_c if reading else None,
                "job_id": self._job_id,
                "screens": self._screens,
            }
        )

    def _say_goodbye(self) -> None:
        try:
            self._beacon.leave(self.name)
            self.register_death()  # type: ignore[no-untyped-call]
        except RedisError as error:
            _log.warning("left without a word: %s", error)
