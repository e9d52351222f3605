"""A second machine is another REDIS_URL and another BLOB_URL, and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.processes import clean_environment
from tests.faults.audit import ask, check, row, until
from tests.faults.wired import QUICK, WiredStack

RELAY = Path(__file__).with_name("relay.py")
PORT = 6399
"""In a namespace of its own every port is free."""


def _has_namespaces() -> bool:
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        return False
    tried = subprocess.run([unshare, "-rn", "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
    return tried.returncode == 0


@asynccontextmanager
async def elsewhere(stack: WiredStack, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A gpu worker in a network namespace that holds nothing but its loopback and a line to Redis."""
    assert stack.redis is not None
    line, blobs = folder / "line", folder / "mounted"
    blobs.symlink_to(stack.folder / "blobs", target_is_directory=True)
    outside = await asyncio.create_subprocess_exec(sys.executable, RELAY, "serve", line, str(stack.redis.port))
    settings = {
        "REDIS_URL": stack.redis_url.replace(f":{stack.redis.port}/", f":{PORT}/"),
        "BLOB_URL": blobs.as_uri(),
        "FLUX2_MODEL": "sample",
        "HF_HUB_OFFLINE": "1",
    }
    script = f'ip link set lo up; "$0" "{RELAY}" listen {PORT} "{line}" & exec "$0" -m worker --role gpu'
    log = (folder / "elsewhere.log").open("wb")
    worker = await asyncio.create_subprocess_exec(
        "unshare", "-rn", "sh", "-c", script, sys.executable,
        env=clean_environment(settings), cwd=folder, start_new_session=True, stdout=log, stderr=log,
    )  # fmt: skip
    log.close()
    try:
        yield worker
    finally:
        os.killpg(worker.pid, 9)
        outside.kill()
        await asyncio.gather(worker.wait(), outside.wait())


@pytest.mark.slow
@pytest.mark.skipif(not _has_namespaces(), reason="needs Linux's unshare and ip, and the right to use them")
async def test_a_worker_in_another_network_namespace_draws(tmp_path: Path) -> None:
    """The only gpu worker sees Redis under another address and the blobs under another path, and reaches nothing else:
    the picture is drawn there and posted here, and SIGTERM ends the worker with 0."""
    stack = WiredStack(tmp_path / "here", gpu_workers=0, settings=QUICK)
    (tmp_path / "here" / "blobs").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    async with stack, elsewhere(stack, tmp_path / "there") as worker:
        await until(lambda: b"is loaded" in (tmp_path / "there" / "elsewhere.log").read_bytes(), "a loaded worker")
        await asyncio.sleep(6)  # until the bot has looked at who is there
        _, job_id = await ask(stack)
        await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
        await check(stack)
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 60) == 0


@pytest.mark.slow
async def test_another_address_and_another_path_are_enough(tmp_path: Path) -> None:
    """Where there are no namespaces: the worker is given its own line to Redis and its own path to the blobs."""

    class Apart(WiredStack):
        def _add(self, name: str, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
            if name == "gpu":
                mounted = tmp_path / "mounted"
                mounted.symlink_to(self.folder / "blobs", target_is_directory=True)
                settings = {**settings, "BLOB_URL": mounted.as_uri()}
            super()._add(name, arguments, settings)

    (tmp_path / "here" / "blobs").mkdir(parents=True)
    async with Apart(tmp_path / "here") as stack:
        _, job_id = await ask(stack)
        await until(lambda: row(stack, job_id)["outcome"] == "delivered", "delivery")
        await check(stack)
