"""Log lines of every process: one shape, one stream (stderr), the job id on each, secrets masked.

Owns how lines look and what may not appear in them. Declines to know who logs: modules use
`logging.getLogger(__name__)` and nothing of this one, except `bind_job` around the work of a job.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_MASK = "***"
_SHORTEST_SECRET = 8
"""Masking a shorter value would blot out ordinary words."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # redis://user:password@host, postgresql+asyncpg://…
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@\"']*):[^\s/\"']+@", re.IGNORECASE), rf"\1:{_MASK}@"),
    # /interactions/<id>/<token>/callback and /webhooks/<application id>/<token>: whoever holds one may answer for us
    (re.compile(r"(/(?:interactions|webhooks)/\d+/)[^\s/?\"'\\]+"), rf"\1{_MASK}"),
    (re.compile(r"\b((?:Bot|Bearer|Key) )[\w.+/=:-]{16,}"), rf"\1{_MASK}"),
    (re.compile(r"([?&](?:token|key|api_key|access_token|hm|signature|X-Amz-[A-Za-z-]+)=)[^\s&\"'\\]+"), rf"\1{_MASK}"),
    # A bot token, a Hugging Face token and the vendors' prefixed keys, wherever they stand.
    (re.compile(r"\b[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}"), _MASK),
    (re.compile(r"\b(?:hf_|sk-|sk_|tgp_)[\w-]{16,}"), _MASK),
)

_LEVELS = {
    # They log every request or statement at INFO, some with tokens in the URL.
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "botocore": logging.WARNING,
    "discord": logging.INFO,
    "filelock": logging.WARNING,
    "fsspec": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "httpx2": logging.WARNING,
    "huggingface_hub": logging.WARNING,
    "PIL": logging.INFO,
    "rq.worker": logging.WARNING,
    "s3fs": logging.WARNING,
    "urllib3": logging.WARNING,
}
"""The least severe level each library may speak at, whatever LOG_LEVEL says."""

_OWN_HANDLERS = ("diffusers", "discord", "rq", "rq.worker", "transformers")
"""Loggers that libraries hang handlers of their own on; see `adopt_libraries`."""

_job: ContextVar[str | None] = ContextVar("job", default=None)


def configure(level: str, json: bool, *, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (stderr), as text or as one JSON object per line.

    `secrets` are values to mask wherever they appear, beside those known by their shape. Calling it again replaces the
    earlier set-up. Raises ValueError for an unknown level.
    """
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"LOG_LEVEL “{level}” is not known; set it to DEBUG, INFO, WARNING or ERROR.")
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Redacting(_formatter(json, colors=out.isatty()), secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, floor in _LEVELS.items():
        logging.getLogger(name).setLevel(max(floor, number))
    adopt_libraries()
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def adopt_libraries() -> None:
    """Take the handlers off libraries that bring their own, so that their lines are shaped and masked like ours.

    transformers and diffusers hang theirs on at import: call it again after importing them.
    """
    for name in _OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def bind_job(job_id: str) -> AbstractContextManager[object]:
    """Put `job_id` on every line logged from here on in this task or thread; leaving the returned context ends it."""
    bound = ExitStack()
    bound.callback(_job.reset, _job.set(job_id))
    return bound


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with passwords, tokens and signatures masked."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class _Redacting(logging.Formatter):
    """Masks the finished line, so that arguments, tracebacks and library messages are all covered."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._inner.format(record), self._secrets)


def _formatter(json: bool, *, colors: bool) -> logging.Formatter:
    shared: list[Processor] = [
        _add_job,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if json else "%H:%M:%S", utc=json),
    ]
    end: list[Processor]
    if json:
        end = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        # The plain traceback: a rich one would print local variables, prompts and tokens among them.
        end = [
            structlog.dev.ConsoleRenderer(
                colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
            )
        ]
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end], foreign_pre_chain=shared
    )


def _add_job(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if (job_id := _job.get()) is not None:
        event["job"] = job_id
    return event


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("stopped by an unexpected error", exc_info=(kind, error, trace))
