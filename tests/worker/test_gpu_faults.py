"""Whatever is killed, stopped or taken away in mid-job: the job is given back or finished once, the GPU serves on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

from sandbox.processes import Child
from worker.contract import (
    EVENTS,
    HEARTBEAT_S,
    FailureCode,
    Finished,
    Progress,
    Released,
    Started,
    Stopped,
    job_key,
    lease_key,
    run_key,
)
from worker.fence import Refusal

pytestmark = pytest.mark.timeout(600)  # several loads of a model each, on whatever the machine has to spare


@pytest.fixture
def lone_rig(rig) -> Iterator:
    """The module's rig with no worker but those the test starts: a second one would take the test's jobs."""
    rig.stop_workers()
    yield rig
    rig.stop_workers()


def running(rig, *, attempt: int = 1, job_id: str | None = None) -> str:
    """Have a long job run, past its first step; an earlier one's next attempt if `job_id` is given."""
    if job_id is None:
        job_id = rig.submit_long()
    else:
        rig.enqueue(job_id, attempt)
    rig.wait(
        lambda: any(
            isinstance(event, Progress) and event.phase == "denoise" and event.step > 0 and event.attempt == attempt
            for event in rig.events(job_id)
        ),
        f"step of attempt {attempt}",
    )
    return job_id


def test_a_killed_child_gives_the_job_back_and_is_replaced(rig) -> None:
    """kill -9 of the model's process: Released, charged, no lease; ready after a load; attempt 2 runs."""
    worker = rig.worker_to_harm()
    job_id = running(rig)
    rig.model_process(worker).kill()
    released = rig.wait_for_event(job_id, Released)
    assert (released.attempt, released.reason, released.charged) == (1, "died", True)
    assert not rig.redis.exists(lease_key(job_id))
    rig.wait(lambda: not rig.rq_keys(job_id), "clean Redis")
    running(rig, attempt=2, job_id=job_id)
    assert rig.cancel(job_id)
    assert rig.wait_for_event(job_id, Stopped).attempt == 2


def test_a_child_that_dies_idle_charges_no_job(rig) -> None:
    """A job popped in the moment of its death is run by the next child and its counted starts stay one."""
    worker = rig.worker_to_harm()
    rig.model_process(worker).kill()
    job_id = rig.submit()
    if isinstance(rig.wait(lambda: rig.events(job_id)[1:], "second event")[0], Released):
        rig.enqueue(job_id, 2)
    assert rig.wait_for_event(job_id, Finished).failure is None
    assert rig.redis.hget(run_key(job_id), "starts") == b"1"


def test_a_frozen_child_is_killed_and_replaced(rig) -> None:
    """No step for the limit, as when a driver hangs: Released as stalled, and the worker is ready again."""
    worker = rig.worker_to_harm()
    job_id = running(rig)
    frozen = rig.model_process(worker)
    frozen.suspend()
    released = rig.wait_for_event(job_id, Released)
    assert (released.reason, released.charged) == ("stalled", True)
    assert not frozen.is_running()
    assert rig.wait_for_event(rig.submit(), Finished).failure is None


def test_a_child_that_ignores_cancel_is_killed(rig) -> None:
    """A frozen child cannot see the flag; the job ends as stopped, not as given back."""
    worker = rig.worker_to_harm()
    job_id = running(rig)
    rig.model_process(worker).suspend()
    assert rig.cancel(job_id)
    rig.wait_for_event(job_id, Stopped)
    assert not any(isinstance(event, Released) for event in rig.events(job_id))


def test_a_killed_parent_takes_its_child_along(lone_rig) -> None:
    """kill -9 of the parent: the child is gone at once, the lease runs out, and another worker may begin."""
    rig = lone_rig
    worker = rig.ready_worker()
    job_id = running(rig)
    child = rig.model_process(worker)
    worker.kill()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()
    assert rig.fence.begin(job_id, "another") is Refusal.LEASED
    rig.wait(lambda: not rig.redis.exists(lease_key(job_id)), "lease gone")
    assert rig.fence.begin(job_id, "another") == 2


def test_poison_is_quarantined_at_its_third_start(lone_rig) -> None:
    """Two deaths over one job: the third start is a failure with its own code, delivered; the worker is not sick."""
    rig = lone_rig
    worker = rig.ready_worker()
    poison = running(rig)
    rig.model_process(worker).kill()
    rig.wait_for_event(poison, Released, attempt=1)
    running(rig, attempt=2, job_id=poison)
    rig.model_process(worker).kill()
    rig.wait_for_event(poison, Released, attempt=2)
    rig.enqueue(poison, 3)
    finished = rig.wait_for_event(poison, Finished)
    assert (finished.attempt, finished.failure) == (3, FailureCode.POISONED)
    rig.wait(lambda: rig.redis.exists(f"rq:job:{poison}-d0"), "delivery of the notice")
    assert rig.wait_for_event(rig.submit(), Finished).failure is None


@pytest.mark.slow
def test_three_deaths_over_different_jobs_open_the_circuit(lone_rig) -> None:
    """A device that kills every job stops taking them: state sick, loud log, the queue stays as it is, and it stops."""
    rig = lone_rig
    worker = rig.ready_worker()
    for _ in range(3):
        assert "sick" not in worker.log_tail(100)
        job_id = running(rig)
        rig.model_process(worker).kill()
        rig.wait_for_event(job_id, Released)
    rig.wait_for_state(worker, "sick")
    assert "this worker is sick" in worker.log_tail(100)
    waiting = rig.submit()
    time.sleep(2.5)
    assert rig.events(waiting) == []
    worker.ask_to_stop()
    assert worker.wait(120) == 0
    rig.redis.delete("rq:queue:gpu:sample")


def test_sigterm_finishes_the_running_job_and_leaves_the_rest(lone_rig) -> None:
    """One signal: the running job is accepted and handed to delivery, the queued one stays, exit 0, heartbeat gone."""
    rig = lone_rig
    worker = rig.ready_worker()
    first = rig.submit(width=256, height=256, num_inference_steps=50, count=2)
    second = rig.submit()
    rig.wait_for_event(first, Progress)
    worker.ask_to_stop()
    rig.wait_for_state(worker, "draining")
    assert worker.wait(200) == 0
    assert rig.wait_for_event(first, Finished).failure is None
    assert rig.redis.exists(f"rq:job:{first}-d0")
    assert rig.events(second) == []
    assert rig.redis.lrange("rq:queue:gpu:sample", 0, -1) == [f"{second}-r1".encode()]
    assert rig.heartbeat(worker) is None
    rig.redis.delete("rq:queue:gpu:sample")


def test_a_redis_that_is_away_costs_no_result_and_a_second_sigterm_no_start(lone_rig) -> None:
    """Redis killed in mid-job: accepted once when it is back. Then two signals: given back at once, uncharged."""
    rig = lone_rig
    worker = rig.ready_worker()
    job_id = rig.submit(width=256, height=256, num_inference_steps=50, count=2)
    rig.wait_for_event(job_id, Progress)
    rig.wait(lambda: rig.redis.info("persistence")["aof_buffer_length"] == 0, "what was said so far in the file")
    rig.server.kill()
    rig.wait(lambda: "Redis is away" in worker.log_tail(200), "worker that wants to report")
    rig.server.start()
    finished = rig.wait_for_event(job_id, Finished)
    assert (finished.attempt, finished.failure) == (1, None)
    rig.wait(lambda: rig.redis.exists(f"rq:job:{job_id}-d0"), "delivery")
    assert sum(isinstance(event, Finished) for event in rig.events(job_id)) == 1

    urgent = running(rig)
    worker.ask_to_stop()
    rig.wait_for_state(worker, "draining")  # it has heard the first one
    time.sleep(1.2)  # a second one within a second is the first again
    worker.ask_to_stop()
    assert worker.wait(120) == 0
    released = rig.wait_for_event(urgent, Released)
    assert (released.reason, released.charged) == ("drained", False)
    assert rig.redis.hget(run_key(urgent), "starts") == b"0"


def test_a_paused_worker_loses_to_the_one_after_it(lone_rig) -> None:
    """Parent and child frozen past the lease: the job is the next one's, and the first one says nothing more of it."""
    rig = lone_rig
    worker = rig.ready_worker()
    job_id = running(rig)
    family = [psutil.Process(worker.pid), rig.model_process(worker)]
    for process in family:
        process.suspend()
    rig.redis.delete(lease_key(job_id))  # what twenty seconds do
    assert rig.fence.begin(job_id, "another") == 2
    for process in family:
        process.resume()
    rig.wait_for_state(worker, "idle")
    assert rig.fence.result(job_id) is None
    assert not any(isinstance(event, Released | Stopped | Finished) for event in rig.events(job_id))


@pytest.mark.slow
def test_a_run_outlives_a_wiped_redis(lone_rig) -> None:
    """Redis forgets everything in mid-run and the bot writes the job again some seconds later: the run is finished."""
    rig = lone_rig
    rig.ready_worker()
    job_id = running(rig)
    body = rig.redis.get(job_key(job_id))
    rig.redis.flushall()
    time.sleep(HEARTBEAT_S + 0.5)  # the lease was looked for once, in vain
    rig.redis.set(job_key(job_id), body)
    rig.wait(lambda: rig.redis.exists(lease_key(job_id)), "lease")
    assert rig.wait_for_event(job_id, Finished).failure is None


@pytest.mark.slow
def test_a_run_given_up_with_a_wiped_redis_may_come_back(lone_rig) -> None:
    """Redis forgets everything in mid-run and the worker gives up; dispatched anew, the same child draws the job."""
    rig = lone_rig
    worker = rig.ready_worker()
    job_id = running(rig)
    body = rig.redis.get(job_key(job_id))
    rig.redis.flushall()
    rig.wait(lambda: "lost" in worker.log_tail(20), "lost lease")
    rig.wait_for_state(worker, "idle")
    rig.redis.delete(EVENTS)  # steps made before it gave up
    rig.redis.set(job_key(job_id), body)
    running(rig, job_id=job_id)
    assert not any(isinstance(event, Stopped) for event in rig.events(job_id))


@pytest.mark.slow
def test_a_load_without_new_bytes_starts_over(lone_rig) -> None:
    """A child frozen while it loads is replaced, and no job was popped meanwhile."""
    rig = lone_rig
    worker = rig.start_worker(STALL_LOAD_S="5")
    job_id = rig.submit()
    first = rig.wait(lambda: psutil.Process(worker.pid).children(), "child")[0]
    first.suspend()
    rig.wait(lambda: not first.is_running(), "kill")
    assert not any(isinstance(event, Started) for event in rig.events(job_id))
    assert rig.wait_for_event(job_id, Finished).attempt == 1


@pytest.mark.slow
def test_redis_may_start_after_the_worker(lone_rig) -> None:
    """A worker that finds no Redis waits for it instead of dying."""
    rig = lone_rig
    rig.server.stop()
    worker: Child = rig.start_worker()
    time.sleep(1.5)
    assert worker.returncode is None
    rig.server.start()
    rig.wait_for_state(worker, "idle")
