"""A hosted language model by OpenRouter's chat API: one paid question, at most once, and what each answer means.

Owns the protocol and its errors. Declines to know jobs, and settings: it is handed an `Access`. Torch-free.

A question is sent again only where it was surely not taken: no connection, or told to come back soon (429, 503). After
a timeout or any other server error it may have been billed, and stays unanswered.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from flux2.errors import ScreeningRefused, UpsamplingFailed
from flux2.upsampling.port import MAX_ANSWER_TOKENS, MAX_IMAGE_PIXELS

_log = logging.getLogger(__name__)

BASE_URL = "https://openrouter.ai/api/v1"
DEFAULT_MODEL = "qwen/qwen3-vl-235b-a22b-instruct"
DEFAULT_TEMPERATURE = 0.15
PATIENCE_S = 10.0
"""All pauses of one question together: who has to wait longer gets no answer, and a lane is free again."""
_TRIES = 3
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_DEADLINE_S = 90.0
"""From the question to the answer's last byte; a server that drips would get round the timeouts above."""
_MAX_BYTES = 1024 * 1024
_JPEG_QUALITY = 85
_BLOCKED = {"content_policy_violation", "refusal", "content_filter", "moderation"}
_COME_BACK = {429, 503}
_OPERATOR = "tell whoever runs this bot"

_SENTENCES = {
    400: f"OpenRouter did not understand the request; {_OPERATOR}.",
    401: f"OpenRouter refuses the API key; {_OPERATOR}.",
    402: f"The credit at OpenRouter is used up; {_OPERATOR}.",
    403: f"OpenRouter does not allow this; {_OPERATOR}.",
    404: f"OpenRouter does not serve the configured model; {_OPERATOR}.",
    408: "OpenRouter took too long.",
    413: "The images are too large for OpenRouter.",
    422: f"OpenRouter did not understand the request; {_OPERATOR}.",
    429: "OpenRouter is rate-limited right now; try again in a minute.",
}
_BROKEN = "OpenRouter is out of order right now; try again in a minute."
_SENSELESS = "OpenRouter answered something that makes no sense."


@dataclass(frozen=True)
class Access:
    """How to reach the API, and which model to ask there."""

    api_key: str
    base_url: str = BASE_URL
    model: str = DEFAULT_MODEL
    temperature: float | None = DEFAULT_TEMPERATURE

    def __repr__(self) -> str:
        return f"Access({self.base_url!r}, {self.model!r})"


class OpenRouter:
    """An upsampler behind one connection pool. Close it, or use it in a `with`."""

    takes_images = True

    def __init__(
        self,
        access: Access,
        *,
        sending: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`sending` is called right before a question may cost money; raising from it keeps it from being asked."""
        self._access = access
        self._sending = sending
        self._sleep = sleep
        self.name = access.model
        self._client = httpx.Client(
            base_url=access.base_url,
            headers={"Authorization": f"Bearer {access.api_key}", "User-Agent": "flux2-discord-bot"},
            timeout=_TIMEOUT,
            # The key goes to the host it was given for: no proxy of the environment, no redirects.
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> OpenRouter:
        return self

    def __exit__(self, _kind: object, _value: object, _trace: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def answer(self, instruction: str, prompt: str, images: Sequence[Image.Image] = ()) -> str:
        """Return the model's words. Raises UpsamplingFailed, and ScreeningRefused where moderation said no."""
        question = _question(self._access, instruction, prompt, images)
        self._sending()
        status, headers, body = self._post(question)
        return _words(status, body, headers)

    def _post(self, question: dict[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        patience = PATIENCE_S
        for attempt in range(1, _TRIES + 1):
            pause = 0.5 * 2**attempt
            try:
                status, headers, body = self._exchange(question)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as unsent:
                _log.warning("OpenRouter cannot be reached: %s", type(unsent).__name__)
                if attempt == _TRIES or pause > patience:
                    raise UpsamplingFailed("OpenRouter cannot be reached right now; try again in a minute.") from unsent
            except httpx.TimeoutException as silent:
                raise UpsamplingFailed(_SENTENCES[408]) from silent
            except httpx.HTTPError as broken:
                _log.warning("OpenRouter: %s", type(broken).__name__)
                raise UpsamplingFailed(_BROKEN) from broken
            else:
                asked = _retry_after(headers)
                # Without a time to come back at, a 503 may have come from behind the model.
                pause = pause if asked is None and status == 429 else math.inf if asked is None else asked
                if status not in _COME_BACK or attempt == _TRIES or pause > patience:
                    return status, headers, body
            patience -= pause
            self._sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def _exchange(self, question: dict[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        deadline = time.monotonic() + _DEADLINE_S
        with self._client.stream("POST", "chat/completions", json=question) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise UpsamplingFailed(_SENSELESS)
                if time.monotonic() > deadline:
                    raise UpsamplingFailed(_SENTENCES[408])
            return response.status_code, response.headers, body


def _question(access: Access, instruction: str, prompt: str, images: Sequence[Image.Image]) -> dict[str, Any]:
    """The body: the words first, then the pictures, as the API's documentation advises."""
    content: Any = prompt
    if images:
        content = [{"type": "text", "text": prompt}, *({"type": "image_url", "image_url": {"url": _data_url(image)}}
                                                       for image in images)]  # fmt: skip
    question: dict[str, Any] = {
        "model": access.model,
        "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": content}],
        "max_completion_tokens": MAX_ANSWER_TOKENS,
        "stream": False,
    }
    if access.temperature is not None:
        question["temperature"] = access.temperature
    return question


def _data_url(image: Image.Image) -> str:
    """At most MAX_IMAGE_PIXELS, as JPEG without any metadata."""
    scale = math.sqrt(MAX_IMAGE_PIXELS / (image.width * image.height))
    if scale < 1:
        size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _words(status: int, body: bytes, headers: httpx.Headers) -> str:
    document = _document(body)
    error = document.get("error") if document else None
    if status != 200 or error:
        raise _failure(status, error, headers)
    if document is None:
        raise UpsamplingFailed(_SENSELESS)
    try:
        choice = document["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        content = message.get("content")
    except (KeyError, IndexError, TypeError, AttributeError) as odd:
        raise UpsamplingFailed(_SENSELESS) from odd
    usage = document.get("usage")
    _log.info(
        "answered by %.80s, cost %s", document.get("model"), usage.get("cost") if isinstance(usage, dict) else "?"
    )
    if error := choice.get("error"):
        raise _failure(502, error, headers)
    if reason == "content_filter" or message.get("refusal"):
        raise _blocked()
    if reason == "length":
        raise UpsamplingFailed("OpenRouter’s answer was cut off for its length.")
    if reason == "error":
        raise UpsamplingFailed(_BROKEN)
    text = _text(content)
    if not text.strip():
        raise UpsamplingFailed("OpenRouter answered with nothing.")
    return text


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _text(content: Any) -> str:
    """Content is a string, or a list of parts of which the texts count."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _failure(status: int, error: Any, headers: httpx.Headers) -> UpsamplingFailed | ScreeningRefused:
    """Word an error; one that comes with 200 states its status inside."""
    details = error if isinstance(error, dict) else {}
    code = details.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else status
    metadata = details.get("metadata") if isinstance(details.get("metadata"), dict) else {}
    assert isinstance(metadata, dict)
    kind = metadata.get("error_type") or details.get("type")
    _log.warning("OpenRouter answered %d, code %s, %.80s", status, code, kind)
    if kind in _BLOCKED or (code == 403 and ("reasons" in metadata or "flagged_input" in metadata)):
        return _blocked()
    if kind == "image_too_large":
        return UpsamplingFailed(_SENTENCES[413])
    if kind == "unsupported_image_format":
        return UpsamplingFailed("OpenRouter’s model does not take these images.")
    if code == 429 and (seconds := _retry_after(headers)):
        return UpsamplingFailed(f"OpenRouter is rate-limited right now; try again in {math.ceil(seconds)} s.")
    return UpsamplingFailed(_SENTENCES.get(code, _BROKEN))


def _blocked() -> ScreeningRefused:
    return ScreeningRefused("the prompt was refused because the language model’s moderation flagged it.")


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds; dates are not understood, and nothing is waited for that is no plain number."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
