"""Fixtures for every folder: a real Redis, empty for each test, and OpenRouter's API on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

import hypothesis
import pytest
from redis import Redis

from sandbox.redis_server import RedisServer

# The same examples in every run, and no clock over any of them.
hypothesis.settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


@pytest.fixture
def stop_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Callable[[float], None]]:
    """Stops a module's monotonic clock, and returns what lets so many seconds pass for it."""

    def stop(module: ModuleType) -> Callable[[float], None]:
        clock = SimpleNamespace(at=0.0, monotonic=lambda: clock.at)
        monkeypatch.setattr(module, "time", clock)

        def passing(seconds: float) -> None:
            clock.at += seconds

        return passing

    return stop


@pytest.fixture(scope="session")
def _redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(_redis_process: RedisServer) -> RedisServer:
    """A running server with nothing in it; `.url` is where clients connect."""
    with Redis.from_url(_redis_process.url) as client:
        client.flushall()
    return _redis_process


KEY = "sk-or-test"

Reply = tuple[int, dict[str, str], bytes]


class OpenRouterHost:
    """OpenRouter's chat API, speaking what its documentation says. `replies` come in turn, then `default`."""

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.replies: deque[Reply | Callable[[dict[str, Any]], Reply]] = deque()
        self.default: Reply | Callable[[dict[str, Any]], Reply] = self.completion("a calm red fox in tall golden grass")
        self.holds = threading.Event()
        """Cleared: answers wait until it is set."""
        self.holds.set()
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                host._answer(self)

            def do_GET(self) -> None:
                host._tell_of_key(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @staticmethod
    def completion(content: Any, *, finish_reason: str = "stop", **message: Any) -> Reply:
        """A successful answer."""
        body = {
            "id": "gen-1",
            "object": "chat.completion",
            "model": "test/eyes",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish_reason,
                    "message": {"role": "assistant", "content": content, **message},
                }
            ],
            "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30, "cost": 0.0001},
        }
        return 200, {}, json.dumps(body).encode()

    @staticmethod
    def failure(code: int, message: str = "no", *, status: int | None = None, retry_after: str | None = None,
                **metadata: Any) -> Reply:  # fmt: skip
        """An error in OpenRouter's own envelope; `status` is the HTTP status where it differs."""
        error = {"code": code, "message": message, "metadata": metadata}
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return status or code, headers, json.dumps({"error": error}).encode()

    @property
    def url(self) -> str:
        """The API's root."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    @property
    def settings(self) -> dict[str, str]:
        """What an io worker has to be told."""
        return {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": self.url, "OPENROUTER_MODEL": "test/eyes"}

    def _tell_of_key(self, handler: BaseHTTPRequestHandler) -> None:
        is_known = handler.headers.get("Authorization") == f"Bearer {KEY}" and handler.path == "/api/v1/key"
        body = json.dumps({"data": {"label": "test", "limit_remaining": 9.5}} if is_known else {"error": {"code": 401}})
        handler.send_response(200 if is_known else 401)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        question = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.headers.append(dict(handler.headers))
        self.questions.append(question)
        self.holds.wait(120)
        if handler.path != "/api/v1/chat/completions":
            reply: Any = self.failure(404)
        elif handler.headers.get("Authorization") != f"Bearer {KEY}":
            reply = self.failure(401, "No auth credentials found")
        else:
            reply = self.replies.popleft() if self.replies else self.default
        status, headers, body = reply(question) if callable(reply) else reply
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            # Whoever asked has gone.
            return

    def reset(self) -> None:
        """Forget everything."""
        self.__dict__.update(questions=[], headers=[], replies=deque())
        self.default = self.completion("a calm red fox in tall golden grass")
        self.holds.set()

    def wait_for_question(self, timeout_s: float = 60) -> dict[str, Any]:
        """Return the first question once it is there."""
        deadline = time.monotonic() + timeout_s
        while not self.questions:
            if time.monotonic() > deadline:
                raise TimeoutError("nobody asked")
            time.sleep(0.01)
        return self.questions[0]

    def close(self) -> None:
        """Stop the server."""
        self.holds.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="session")
def _openrouter_host() -> Iterator[OpenRouterHost]:
    host = OpenRouterHost()
    yield host
    host.close()


@pytest.fixture
def openrouter(_openrouter_host: OpenRouterHost) -> OpenRouterHost:
    """OpenRouter on loopback with nothing scripted; `.settings` is what an io worker has to be told."""
    _openrouter_host.reset()
    return _openrouter_host
