"""The io role as processes: lanes deliver, die, come back, drain and never outlive their supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from rq import Worker

from sandbox.faults import Delay, Fault
from sandbox.redis_server import RedisServer
from worker.contract import WORKERS, Heartbeat, deliver_queue, worker_key
from worker.fence import Fence
from worker.queue import enqueue_delivery
from worker.salvage import salvage

ROOT = Path(__file__).parents[3]
POST_MESSAGES = r"^/channels/\d+/messages$"
RUN = """
import sys
from config.settings import DeliverySettings
from worker.lanes import run
sys.exit(run(DeliverySettings()))
"""


def _until(claim: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


class Supervisor:
    """`lanes.run` in a process of its own, as `python -m worker --role io` runs it."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.log = folder / "lanes.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOG_LEVEL": "INFO", **environment},
                stderr=log,
                start_new_session=True,
            )
        self.handle = psutil.Process(self.process.pid)

    def lanes(self) -> list[psutil.Process]:
        """The living lane processes."""
        return [child for child in self.handle.children() if _is_alive(child)]

    def end(self) -> None:
        """Whatever the test left behind; the group outlives its leader."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it has ended since it was listed
        return False


Start = Callable[..., Supervisor]


@pytest.fixture
def start(redis_server: RedisServer, local_discord: Any, tmp_path: Path) -> Iterator[Start]:
    """Starts supervisors that share Redis, blobs and Discord with the test."""
    started: list[Supervisor] = []

    def starting(**environment: str) -> Supervisor:
        settings = {
            "REDIS_URL": redis_server.url,
            "BLOB_URL": f"file://{tmp_path}/blobs",
            "DISCORD_TOKEN": local_discord.world.token,
            "DISCORD_API_URL": local_discord.server.api_url,
        }
        started.append(Supervisor(settings | environment, tmp_path))
        return started[-1]

    yield starting
    for one in started:
        one.end()


def _workers(redis: Redis) -> list[Worker]:
    return [worker for worker in Worker.all(connection=redis) if worker.pid is not None]


def _lane_of(redis: Redis, queue: str) -> Worker:
    [worker] = [worker for worker in _workers(redis) if worker.queue_names() == [queue] and _lives(worker)]
    return worker


def _lives(worker: Worker) -> bool:
    return worker.pid is not None and psutil.pid_exists(worker.pid)


def _enqueue(redis: Redis, discord: Any, job_id: str, channel: str = "pictures") -> str:
    enqueue_delivery(redis, job_id, discord.id(channel))
    return deliver_queue(discord.id(channel))


def test_every_queue_has_a_lane_and_no_lane_two_queues(start: Start, redis: Redis) -> None:
    """Four deliver lanes and two io lanes, each on one queue: RQ's pop loses jobs with more."""
    start()
    _until(lambda: len(_workers(redis)) == 6)
    queues = sorted(worker.queue_names() for worker in _workers(redis))
    assert queues == [["deliver:0"], ["deliver:1"], ["deliver:2"], ["deliver:3"], ["io"], ["io"]]


def test_jobs_are_delivered_and_the_end_is_orderly(
    start: Start, redis: Redis, local_discord: Any, results: Any, openrouter: Any
) -> None:
    """Pictures of two channels arrive; the role is seen while it runs, keys proved, is gone after SIGTERM, exits 0."""
    supervisor = start(**openrouter.settings)
    jobs = [results.job(channel_id=local_discord.id(name)) for name in ("pictures", "lounge", "pictures")]
    for job_id, name in zip(jobs, ("pictures", "lounge", "pictures"), strict=True):
        _enqueue(redis, local_discord, job_id, name)
    _until(lambda: all(Fence(redis).delivery(job_id) for job_id in jobs))
    assert (len(local_discord.posted("pictures")), len(local_discord.posted("lounge"))) == (2, 1)

    _until(lambda: redis.zcard(WORKERS))
    [name] = [name.decode() for name in redis.zrange(WORKERS, 0, -1)]
    _until(lambda: b"accepted" in (redis.get(worker_key(name)) or b""))
    beat = Heartbeat.model_validate_json(redis.get(worker_key(name)) or "")
    assert (beat.role, beat.model, beat.keys) == ("io", None, {"OPENROUTER_API_KEY": "accepted"})

    supervisor.process.send_signal(signal.SIGTERM)
    assert supervisor.process.wait(90) == 0
    assert redis.zcard(WORKERS) == 0
    assert redis.keys("rq:job:*") == []


def test_one_channel_keeps_its_order(start: Start, redis: Redis, local_discord: Any, results: Any) -> None:
    """Ten results of one channel are posted in the order they were enqueued."""
    jobs = [results.job() for _ in range(10)]
    for job_id in jobs:
        _enqueue(redis, local_discord, job_id)
    start()
    _until(lambda: all(Fence(redis).delivery(job_id) for job_id in jobs))
    assert [message.nonce for message in local_discord.posted()] == [f"r{job_id}" for job_id in jobs]


def test_a_lane_killed_between_send_and_mark_leaves_one_message(
    start: Start, redis: Redis, local_discord: Any, results: Any
) -> None:
    """kill -9 while Discord has the message and we do not know: the next lane takes it up and finds it posted."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Delay(30, after_commit=True)))
    start()
    job_id = results.job()
    queue = _enqueue(redis, local_discord, job_id)
    _until(lambda: len(local_discord.posted()) == 1)
    assert Fence(redis).delivery(job_id) is None
    killed = _lane_of(redis, queue)
    assert killed.pid is not None
    os.kill(killed.pid, signal.SIGKILL)
    _until(lambda: Fence(redis).delivery(job_id))
    assert len(local_discord.posted()) == 1
    assert _lane_of(redis, queue).pid != killed.pid
    _until(lambda: not redis.exists(f"rq:job:{job_id}-d0"))


def test_while_one_lane_is_dead_the_others_go_on(start: Start, redis: Redis, local_discord: Any, results: Any) -> None:
    """Killing every io lane does not delay a delivery."""
    start()
    _until(lambda: len(_workers(redis)) == 6)
    for worker in _workers(redis):
        if worker.queue_names() == ["io"] and worker.pid is not None:
            os.kill(worker.pid, signal.SIGKILL)
    job_id = results.job()
    _enqueue(redis, local_discord, job_id)
    _until(lambda: Fence(redis).delivery(job_id))
    _until(lambda: sum(_lives(worker) for worker in _workers(redis)) == 6)


def test_sigterm_finishes_the_message_in_hand_and_leaves_the_rest(
    start: Start, redis: Redis, local_discord: Any, results: Any
) -> None:
    """A delivery under way is completed and recorded, the next one stays queued, the exit code is 0."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Delay(4, after_commit=True)))
    supervisor = start()
    first, second = results.job(), results.job()
    queue = _enqueue(redis, local_discord, first)
    _until(lambda: len(local_discord.posted()) == 1)
    _enqueue(redis, local_discord, second)
    supervisor.process.send_signal(signal.SIGTERM)
    assert supervisor.process.wait(90) == 0
    assert Fence(redis).delivery(first) is not None
    assert Fence(redis).delivery(second) is None
    assert redis.llen(f"rq:queue:{queue}") == 1


def test_a_signal_to_the_whole_group_drains_as_well(
    start: Start, redis: Redis, local_discord: Any, results: Any
) -> None:
    """Ctrl-C and a service manager reach supervisor and lanes at once, twice even; no message is cut."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Delay(3, after_commit=True)))
    supervisor = start()
    job_id = results.job()
    _enqueue(redis, local_discord, job_id)
    _until(lambda: len(local_discord.posted()) == 1)
    for _ in range(2):
        for process in [supervisor.handle, *supervisor.lanes()]:
            with contextlib.suppress(psutil.NoSuchProcess):  # idle lanes may be gone after the first
                process.send_signal(signal.SIGINT)
                process.send_signal(signal.SIGTERM)
        time.sleep(1.1)  # RQ ignores a second signal within a second, and takes a later one for "now!"
    assert supervisor.process.wait(90) == 0
    assert Fence(redis).delivery(job_id) is not None


def test_lanes_die_with_their_supervisor(start: Start, redis: Redis) -> None:
    """kill -9 of the supervisor leaves nobody behind."""
    supervisor = start()
    _until(lambda: len(_workers(redis)) == 6)
    lanes = supervisor.lanes()
    assert len(lanes) == 6
    supervisor.process.kill()
    supervisor.process.wait()
    _gone, alive = psutil.wait_procs(lanes, timeout=60)
    assert alive == []


def test_a_refused_token_stops_the_role_with_78(start: Start, local_discord: Any) -> None:
    """A wrong token at start: exit code 78, a sentence naming the setting, and Discord is asked once per lane."""
    supervisor = start(DISCORD_TOKEN="wrong")
    assert supervisor.process.wait(90) == 78
    assert "Set DISCORD_TOKEN" in supervisor.log.read_text()
    assert len(local_discord.server.calls) <= 4


def test_a_token_that_is_revoked_later_stops_the_role_with_78(
    start: Start, redis: Redis, local_discord: Any, results: Any
) -> None:
    """401 in mid-life ends the role instead of failing one job after the other; the job is not lost."""
    supervisor = start()
    _until(lambda: len(_workers(redis)) == 6)
    local_discord.world.token = "renewed"
    job_id = results.job()
    _enqueue(redis, local_discord, job_id)
    assert supervisor.process.wait(90) == 78
    assert Fence(redis).delivery(job_id) is None
    assert Fence(redis).result(job_id) is not None


def test_without_redis_the_role_waits_instead_of_ending(start: Start, local_discord: Any) -> None:
    """A Redis that is not up yet costs restarts with a pause, not the process, and no login to Discord."""
    supervisor = start(REDIS_URL="redis://127.0.0.1:1/0")
    _until(lambda: supervisor.log.read_text().count("Redis does not answer") > 6)
    assert supervisor.process.poll() is None
    assert local_discord.server.calls == []


def test_a_redis_url_nobody_understands_stops_the_role_with_78(start: Start) -> None:
    """A wrong REDIS_URL is one sentence and the status service managers do not restart at."""
    supervisor = start(REDIS_URL="nonsense")
    assert supervisor.process.wait(90) == 78
    assert "write redis://host:6379/0" in supervisor.log.read_text()


def test_without_blobs_the_role_stops_with_78(start: Start, tmp_path: Path) -> None:
    """A blob folder that cannot be made ends the role with one sentence, not with a loop of restarts."""
    (tmp_path / "file").write_text("x")
    supervisor = start(BLOB_URL=f"file://{tmp_path}/file/blobs")
    assert supervisor.process.wait(90) == 78
    assert "make it writable or set BLOB_URL" in supervisor.log.read_text()


def test_salvage_leaves_what_nobody_held(redis: Redis) -> None:
    """A lane that died idle, or was never there, has nothing to give back."""
    assert not salvage(redis, "deliver:0", "nobody")


def test_salvage_takes_a_job_up_once(redis: Redis, local_discord: Any, results: Any) -> None:
    """The same RQ job is put back for its first dead lane and not for its second."""
    job_id = results.job()
    queue = _enqueue(redis, local_discord, job_id)
    redis.delete(f"rq:queue:{queue}")
    redis.hset("rq:worker:dead", "current_job", f"{job_id}-d0")
    before = set(redis.keys("*"))
    assert salvage(redis, queue, "dead")
    assert all(key.startswith(b"rq:") for key in set(redis.keys("*")) - before), "outside what the io user may write"
    assert redis.lrange(f"rq:queue:{queue}", 0, -1) == [f"{job_id}-d0".encode()]
    assert not salvage(redis, queue, "dead")
