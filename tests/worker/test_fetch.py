"""`python -m worker fetch` against a hub on loopback that speaks the real hub's HTTP, and start-up without weights."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from sandbox.processes import clean_environment
from sandbox.redis_server import RedisServer
from tests.worker.hub import FILES, WEIGHTS, Hub
from worker.contract import WORKERS, Heartbeat, worker_key


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.stop()


NO_REDIS = "redis://127.0.0.1:1/0"


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m worker …` as an operator without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "worker", *arguments],
        cwd=folder,
        env=clean_environment(
            {"HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1", "REDIS_URL": NO_REDIS, **settings}
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What was said on stderr, which has to be one line."""
    (line,) = done.stderr.strip().splitlines()
    return line


def test_fetch_brings_what_the_loader_needs_and_goes_on_where_it_stopped(tmp_path: Path, hub: Hub) -> None:
    """A broken line ends with one sentence; the next run asks only for the rest; nothing is downloaded twice."""
    hub.breaks = True
    broken = run(tmp_path, "fetch", "klein-4b", HF_ENDPOINT=hub.url)
    assert broken.returncode == 1, broken.stderr
    assert "goes on where it stopped" in broken.stderr.splitlines()[-1]
    hub.breaks = False
    hub.asked.clear()
    done = run(tmp_path, "fetch", "klein-4b", HF_ENDPOINT=hub.url)
    assert done.returncode == 0, done.stderr
    assert "klein-4b is complete in" in done.stdout
    assert "The screening classifier is complete in" in done.stdout
    (span,) = [span for command, path, span in hub.asked if command == "GET" and path.endswith(WEIGHTS)]
    assert span is not None
    assert span.startswith("bytes=")
    assert not span.startswith("bytes=0-")
    (weights,) = (tmp_path / "hf").rglob("diffusion_pytorch_model.safetensors")
    assert weights.read_bytes() == FILES[WEIGHTS]
    assert not list((tmp_path / "hf").rglob("flux-2-klein-4b.safetensors"))
    (classifier,) = (tmp_path / "hf").rglob("model.safetensors")
    assert classifier.read_bytes() == FILES["model.safetensors"]
    shutil.rmtree(next((tmp_path / "hf" / "hub").glob("models--Falconsai--*")))
    unscreened = run(tmp_path, "--role", "gpu", FLUX2_MODEL="klein-4b")
    assert unscreened.returncode == 78, unscreened.stderr
    assert "run `python -m worker fetch`, or set FLUX2_SCREEN_CLASSIFIER=off" in sentence(unscreened)


def test_a_non_commercial_licence_is_accepted_once(tmp_path: Path, hub: Hub) -> None:
    """Without a yes nothing is downloaded; with the flag it is recorded; afterwards nobody is asked again."""
    refused = run(tmp_path, "fetch", "dev", HF_ENDPOINT=hub.url)
    assert refused.returncode == 1
    assert "Non-Commercial" in sentence(refused)
    assert "--accept-license" in sentence(refused)
    assert hub.asked == []
    assert run(tmp_path, "fetch", "dev", "--accept-license", HF_ENDPOINT=hub.url).returncode == 0
    assert run(tmp_path, "fetch", "dev", HF_ENDPOINT=hub.url).returncode == 0


def test_a_gate_is_explained(tmp_path: Path, hub: Hub) -> None:
    """Gated weights without a token: where to accept and what to set, on one line."""
    hub.gated = True
    done = run(tmp_path, "fetch", "dev", "--accept-license", HF_ENDPOINT=hub.url)
    assert done.returncode == 1
    assert "HF_TOKEN" in done.stderr.splitlines()[-1]
    assert "https://huggingface.co/black-forest-labs/FLUX.2-dev" in done.stderr.splitlines()[-1]


def test_no_connection_is_explained(tmp_path: Path) -> None:
    """An unreachable hub ends with a sentence, not with a trace."""
    done = run(tmp_path, "fetch", "klein-4b", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "check the network" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["sample"])
def test_what_ships_is_not_fetched(tmp_path: Path, name: str) -> None:
    """The sample model needs no download."""
    done = run(tmp_path, "fetch", name)
    assert done.returncode == 0
    assert "ships with the code" in done.stdout


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"FLUX2_MODEL": "klein-4b"}, "python -m worker fetch klein-4b"),
        ({"FLUX2_MODEL": "klein-5b"}, "choose one of"),
        ({"FLUX2_MODEL": "./nowhere"}, "no folder"),
        ({"FLUX2_MODEL": "sample", "REDIS_URL": "nonsense"}, "REDIS_URL"),
        ({"FLUX2_MODEL": "sample", "FLUX2_DEVICE": "toaster"}, "FLUX2_DEVICE"),
    ],
)
def test_a_gpu_worker_that_cannot_start_says_one_sentence(
    tmp_path: Path, settings: dict[str, str], advice: str
) -> None:
    """Missing weights and bad settings: one sentence, status 78, at once; a supervisor does not start it again."""
    done = run(tmp_path, "--role", "gpu", **settings)
    assert done.returncode == 78, done.stderr
    assert advice in sentence(done)


def test_why_a_worker_did_not_start_is_told_to_the_bot(tmp_path: Path, redis_server: RedisServer) -> None:
    """The same sentence lies in Redis for an hour, as a sick worker without a model."""
    done = run(tmp_path, "--role", "gpu", FLUX2_MODEL="klein-9b", REDIS_URL=redis_server.url)
    assert done.returncode == 78
    with Redis.from_url(redis_server.url) as redis:
        [name] = [name.decode() for name in redis.zrange(WORKERS, 0, -1)]
        beat = Heartbeat.model_validate_json(redis.get(worker_key(name)) or "")
        assert redis.ttl(worker_key(name)) > 3000
    assert (beat.state, beat.model, beat.complaint) == ("sick", None, sentence(done))


def test_an_io_worker_without_a_token_says_one_sentence(tmp_path: Path) -> None:
    """The same for the other role."""
    done = run(tmp_path, "--role", "io")
    assert done.returncode == 78, done.stderr
    assert "DISCORD_TOKEN" in sentence(done)


def test_what_only_the_child_finds_out_is_said_as_well(rig, tmp_path: Path) -> None:
    """A blob store that cannot be opened, and a device that is not there, are told by the child through its parent."""
    shared = {"FLUX2_MODEL": "sample", "REDIS_URL": rig.server.url}
    stores = run(tmp_path, "--role", "gpu", **shared, BLOB_URL="ftp://nowhere")
    assert stores.returncode == 78, stores.stderr
    assert "BLOB_URL" in sentence(stores)
    device = run(tmp_path, "--role", "gpu", **shared, BLOB_URL=tmp_path.as_uri(), FLUX2_DEVICE="cuda:7")
    assert device.returncode == 78, device.stderr
    assert "cuda:7" in device.stderr.splitlines()[-1]
