"""A hub on loopback that speaks the real one's HTTP. Not a test."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
        elif path.endswith("/auth-check"):
            self._send(request, 200, b"", {})
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
