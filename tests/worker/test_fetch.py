"""`python -m worker fetch` against a hub on loopback that speaks the real hub's HTTP, and start-up without weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.processes import clean_environment

SHA = "a" * 40
FILES = {
    "model_index.json": json.dumps({"_class_name": "Flux2KleinPipeline", "vae": ["diffusers", "Vae"]}).encode(),
    "vae/config.json": b"{}",
    "vae/diffusion_pytorch_model.safetensors": bytes(range(256)) * 40_000,
    "flux-2-klein-4b.safetensors": b"a second copy nobody needs",
    "config.json": b"{}",
    "preprocessor_config.json": b"{}",
    "model.safetensors": b"the classifier's",
}
WEIGHTS = "vae/diffusion_pytorch_model.safetensors"


class Hub:
    """Answers for every repository alike: FILES, or the gate where `gated`; cuts the weights short while `breaks`."""

    def __init__(self) -> None:
        self.gated = False
        self.breaks = False
        self.asked: list[tuple[str, str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_GET  # noqa: N815 - the name the base class calls

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, span = request.path.partition("?")[0], request.headers.get("Range")
        self.asked.append((request.command, path, span))
        if self.gated:
            self._send(request, 403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif path.startswith("/api/") and path.endswith(f"/tree/{SHA}"):
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in FILES.items()
            ]
            self._send(request, 200, json.dumps(tree).encode(), {"Content-Type": "application/json"})
        elif path.startswith("/api/models/"):
            repository = "/".join(path.split("/")[3:5])
            siblings = [{"rfilename": name} for name in FILES]
            body = json.dumps({"id": repository, "modelId": repository, "sha": SHA, "siblings": siblings})
            self._send(request, 200, body.encode(), {"Content-Type": "application/json"})
        elif (name := path.partition(f"/resolve/{SHA}/")[2]) in FILES:
            self._file(request, name, span)
        else:
            self._send(request, 404, b"", {})

    def _file(self, request: BaseHTTPRequestHandler, name: str, span: str | None) -> None:
        data = FILES[name]
        start = int(span.removeprefix("bytes=").split("-")[0]) if span else 0
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if span:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.breaks and name == WEIGHTS and request.command == "GET":
            request.send_response(206 if span else 200)
            for key, value in {**headers, "Content-Length": str(len(data) - start)}.items():
                request.send_header(key, value)
            request.end_headers()
            request.wfile.write(data[start : start + 3_000_000] if start == 0 else b"")
            request.close_connection = True
            return
        self._send(request, 206 if span else 200, data[start:], headers)

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        request.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.stop()


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m worker …` as an operator without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "worker", *arguments],
        cwd=folder,
        env=clean_environment({"HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1", **settings}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
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
