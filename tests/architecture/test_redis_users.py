"""The Redis users of the compose file, tried on a real server started by the compose file's own script."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from sandbox.once import Errand, converse
from sandbox.redis_server import find_binary, free_port
from sandbox.stack import Stack
from worker.contract import (
    EVENTS,
    WORKERS,
    Destination,
    Finished,
    RenderJob,
    RenderResult,
    Skeleton,
    answer_key,
    control_key,
    job_key,
    lease_key,
    model_key,
    run_key,
    worker_key,
)
from worker.fence import CANCEL_LUA, Fence

PASSWORDS = {"bot": "b" * 32, "worker-gpu": "g" * 32, "worker-io": "i" * 32}
WORKERS_USERS = ("worker-gpu", "worker-io")


def _version(binary: str) -> tuple[int, ...]:
    line = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"v=(\d+)\.(\d+)", line)
    assert match, line
    return tuple(map(int, match.groups()))


class Server:
    """A running server under the ACL file."""

    def __init__(self, port: int) -> None:
        self.port = port

    def as_user(self, name: str, password: str | None = None) -> redis.Redis:
        """A connection of that user."""
        return redis.Redis(port=self.port, username=name, password=password or PASSWORDS.get(name), retry=None)

    def url(self, name: str) -> str:
        """What that user's REDIS_URL is."""
        return f"redis://{name}:{PASSWORDS[name]}@127.0.0.1:{self.port}/0"


@contextlib.contextmanager
def _serving(root: Path, folder: Path, read_only: str) -> Iterator[Server]:
    """Run `docker/redis/start.sh` with passwords on a free port.

    Servers before 7.0 know no read-only patterns; there each is replaced by `read_only`.
    """
    binary = find_binary()
    script = shutil.copytree(root / "docker/redis", folder / "etc") / "start.sh"
    if _version(binary) < (7, 0):
        users = script.with_name("users.acl")
        users.write_text(re.sub(r" %R~(\S+)", read_only, users.read_text()))
    port = free_port()
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "DATA": str(folder),
        "REDIS_SERVER": binary,
        **{f"REDIS_{name.upper().replace('-', '_')}_PASSWORD": password for name, password in PASSWORDS.items()},
    }
    with (folder / "log").open("wb") as log:
        command = ["/bin/sh", str(script), "--port", str(port), "--bind", "127.0.0.1"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(Server(port), process, folder / "log")
            yield Server(port)
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The users as they are; before 7.0 workers cannot read jobs, and what they may write is the same."""
    with _serving(root, tmp_path_factory.mktemp("acl"), "") as running:
        yield running


@pytest.fixture
def readable(root: Path, tmp_path: Path) -> Iterator[Server]:
    """The users as they are; before 7.0 workers may also write what they should only read."""
    with _serving(root, tmp_path, r" ~\1") as running:
        yield running


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        try:
            # What the compose file's health check sends.
            server.as_user("health", "health").ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())


def _job(job_id: str) -> RenderJob:
    request = {"model": "sample", "prompt": "a fox", "width": 128, "height": 128, "num_inference_steps": 8, "seed": 1}
    skeleton = Skeleton(
        content="done", nonce=f"r{job_id}", file_stem=f"flux2-{job_id}", file_size_limit=1, failure_nonce=f"n{job_id}"
    )
    return RenderJob.model_validate(
        {"job_id": job_id, "request": request, "skeleton": skeleton, "destination": Destination(channel_id=1)}
    )


def test_nobody_gets_in_without_a_password(server: Server) -> None:
    """The default user is off: no login, no command."""
    with redis.Redis(port=server.port, retry=None) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()
    with server.as_user("bot", "x" * 32) as guesser, pytest.raises(AuthenticationError):
        guesser.ping()


@pytest.mark.parametrize("user", WORKERS_USERS)
def test_a_worker_cannot_write_a_job(server: Server, user: str) -> None:
    """Whoever takes over a worker changes neither what is posted nor what is drawn, not from Lua either."""
    with server.as_user(user) as worker:
        with pytest.raises(NoPermissionError):
            worker.set(job_key("x"), "forged")
        with pytest.raises(NoPermissionError):
            worker.delete(job_key("x"))
        with pytest.raises(ResponseError, match=r"permission|can't access"):
            worker.eval("return redis.call('SET', ARGV[1], 'forged')", 0, job_key("x"))
        worker.xadd(EVENTS, {"event": "{}"})


@pytest.mark.parametrize("user", [*WORKERS_USERS, "bot"])
@pytest.mark.parametrize(
    "command", [("FLUSHALL",), ("CONFIG", "GET", "dir"), ("KEYS", "*"), ("ACL", "LIST"), ("SHUTDOWN",)]
)
def test_no_user_administers_the_server(server: Server, user: str, command: tuple[str, ...]) -> None:
    """A leaked URL cannot empty, dump, reconfigure or stop Redis."""
    with server.as_user(user) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


def test_a_gpu_worker_cannot_answer_for_the_bot(readable: Server) -> None:
    """Tokens of interactions are written by the bot and read by delivery; a GPU host gets at none."""
    with readable.as_user("bot") as bot, readable.as_user("worker-gpu") as gpu, readable.as_user("worker-io") as io:
        bot.set(answer_key("x"), "{}", ex=60)
        assert io.get(answer_key("x")) == b"{}"
        with pytest.raises(NoPermissionError):
            gpu.get(answer_key("x"))


def test_a_worker_cannot_order_workers_about(server: Server) -> None:
    """What the operator asks of a worker is written by the bot alone."""
    with server.as_user("bot") as bot, server.as_user("worker-gpu") as worker:
        bot.set(control_key("w"), "{}")
        with pytest.raises(NoPermissionError):
            worker.set(control_key("w"), "{}")


def test_a_gpu_worker_reads_what_is_asked_of_it(readable: Server) -> None:
    """Its own user is enough for that."""
    with readable.as_user("bot") as bot, readable.as_user("worker-gpu") as worker:
        bot.set(control_key("w"), "{}")
        assert worker.get(control_key("w")) == b"{}"


@pytest.mark.parametrize("user", WORKERS_USERS)
def test_a_worker_may_do_its_work(server: Server, user: str) -> None:
    """Lease, heartbeat, result, queue and events are open to it; foreign keys are not."""
    with server.as_user(user) as worker:
        worker.set(lease_key("y"), 1, ex=5)
        worker.hset(run_key("y"), "attempt", 1)
        worker.set(worker_key("w"), "{}", ex=5)
        worker.set(model_key("sample"), "{}", ex=5)
        worker.zadd(WORKERS, {"w": 1})
        worker.sadd("rq:queues", "rq:queue:gpu:sample")
        with pytest.raises(NoPermissionError):
            worker.set("something-else", 1)


def test_the_fence_works_under_these_users(readable: Server) -> None:
    """The bot writes a job, the gpu worker reads, leases and finishes it, the bot is told it came too late."""
    job_id = "0123456789abcdef"
    with readable.as_user("bot") as bot, readable.as_user("worker-gpu") as worker:
        bot.set(job_key(job_id), _job(job_id).model_dump_json())
        fence = Fence(worker)
        assert fence.job(job_id) == _job(job_id)
        attempt = fence.begin(job_id, "w")
        assert attempt == 1
        assert fence.accept(RenderResult(job_id=job_id, attempt=1, seconds=1.0))
        assert bot.eval(CANCEL_LUA, 1, run_key(job_id)) == 0
        assert (
            Finished(job_id=job_id, attempt=1, seconds=1.0).model_dump_json().encode()
            in str(bot.xread({EVENTS: 0})).encode()
        )


class SeparateUsers(Stack):
    """The product with each process logged in as its own Redis user."""

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder, redis_url=server.url("bot"))
        self._server = server

    def _add(self, name: str, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        user = {"bot": "bot", "io": "worker-io", "gpu": "worker-gpu"}[name]
        super()._add(name, arguments, {**settings, "REDIS_URL": self._server.url(user)})


@pytest.mark.xdist_group("stack")
async def test_a_prompt_passes_under_these_users(readable: Server, tmp_path: Path) -> None:
    """The rules are not too tight: bot, gpu worker and io worker do all they have to, from /imagine to the picture.

    A private one: whose answer needs a key more than a message does.
    """
    async with SeparateUsers(tmp_path / "stack", readable) as stack:
        answer = await converse(Errand("imagine", tmp_path / "out", "a red circle", options={"private": "true"}), stack)
        assert answer["ok"], answer
        assert len(answer["files"]) == 1
        refused = [
            log for log in (stack.folder / "logs").iterdir() if re.search("NOPERM|no permission", log.read_text())
        ]
        assert refused == []


def test_a_short_password_is_refused(root: Path, tmp_path: Path) -> None:
    """The server does not start open when .env was left half filled."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATA": str(tmp_path),
        "REDIS_SERVER": "/bin/false",
        "REDIS_BOT_PASSWORD": "x",
    }
    done = subprocess.run(
        ["/bin/sh", str(root / "docker/redis/start.sh")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 78
    assert "16 characters" in done.stderr
