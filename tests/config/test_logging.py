"""What reaches the log stream of a process."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import logging as house

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    yield
    logging.captureWarnings(False)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)


def _configured(*, json_lines: bool = False, level: str = "INFO", secrets: tuple[str, ...] = ()) -> io.StringIO:
    stream = io.StringIO()
    house.configure(level, json_lines, secrets=secrets, stream=stream)
    return stream


def test_json_lines_carry_time_level_logger_and_event() -> None:
    """Asked for JSON, each line is one object a log store can index."""
    stream = _configured(json_lines=True)
    logging.getLogger("bot.dispatcher").info("dispatched %s of %d", "job", 3)
    line = json.loads(stream.getvalue())
    assert line["event"] == "dispatched job of 3"
    assert (line["level"], line["logger"]) == ("info", "bot.dispatcher")
    assert line["timestamp"].endswith("Z")


def test_a_traceback_stays_on_its_json_line() -> None:
    """An exception does not break JSON lines apart."""
    stream = _configured(json_lines=True)
    try:
        raise RuntimeError("no room")
    except RuntimeError:
        logging.getLogger("worker").exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert "RuntimeError: no room" in json.loads(line)["exception"]


def test_text_has_no_colour_codes_away_from_a_terminal() -> None:
    """A log file holds words, not terminal codes."""
    stream = _configured()
    logging.getLogger("bot").warning("queue is long")
    assert "queue is long" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("cannot reach redis://bot:s3cr3t-pw@redis:6379/0", "s3cr3t-pw"),
        ("cannot reach redis://:p@ss:w0rd@redis:6379/0", "w0rd"),
        ("postgresql+asyncpg://flux:hunter2hunter2@db/ledger refused", "hunter2"),
        ("PATCH https://discord.com/api/v10/webhooks/123/aW50ZXJhY3Rpb246/messages/@original", "aW50ZXJhY3Rpb246"),
        ("POST /interactions/123/aW50ZXJhY3Rpb246abc/callback gave 404", "aW50ZXJhY3Rpb246abc"),
        ("Authorization: Bot not.the-usual-shape-of-a-token", "usual-shape"),
        ("Authorization: Bearer abcdefghijklmnop1234", "abcdefghijklmnop"),
        ("token MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789 is wrong", "GabcDE"),
        ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=66&is=65&hm=0123456789abcdef", "0123456789abcdef"),
        ("HF_TOKEN is hf_AbCdEfGhIjKlMnOpQrSt", "AbCdEfGhIjKl"),
    ],
)
@pytest.mark.parametrize("json_lines", [False, True])
def test_secrets_known_by_shape_are_masked(line: str, secret: str, json_lines: bool) -> None:
    """Passwords in URLs, interaction tokens, bot tokens, keys and CDN signatures never reach the stream."""
    stream = _configured(json_lines=json_lines)
    logging.getLogger("discord.http").warning("%s", line)
    assert stream.getvalue().strip()
    assert secret not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_secrets_known_by_value_are_masked_in_tracebacks() -> None:
    """A secret handed to `configure` is masked even inside an exception's text."""
    stream = _configured(secrets=("correct-horse-battery",))
    try:
        raise ValueError("login with correct-horse-battery failed")
    except ValueError:
        logging.getLogger("bot").exception("no login")
    assert "correct-horse" not in stream.getvalue()
    assert "login with *** failed" in stream.getvalue()


def test_a_url_without_a_password_is_left_alone() -> None:
    """Masking does not eat addresses an operator needs to read."""
    plain = "GET http://127.0.0.1:8080/api/v10/gateway and redis://127.0.0.1:6379/0 at 12:30:15"
    assert house.redact(plain) == plain


async def test_the_job_id_is_on_every_line_of_its_task_and_on_no_other() -> None:
    """Two jobs logging at once in one process never swap ids."""
    stream = _configured(json_lines=True)

    async def work(job_id: str) -> None:
        with house.bind_job(job_id):
            await asyncio.sleep(0)
            await asyncio.to_thread(logging.getLogger("worker").info, "works on %s", job_id)

    await asyncio.gather(work("aa"), work("bb"))
    logging.getLogger("worker").info("idle")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["event"]: line.get("job") for line in lines} == {
        "works on aa": "aa",
        "works on bb": "bb",
        "idle": None,
    }


def test_warnings_become_log_lines() -> None:
    """A library's warning is shaped and masked like the rest."""
    stream = _configured()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(True)
        warnings.warn("redis://:hunter2hunter2@h/0 is old", stacklevel=1)
    logging.captureWarnings(False)
    assert "is old" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_libraries_are_quiet_and_bring_no_handlers() -> None:
    """httpx does not log each request, and a handler a library hung on is taken off."""
    logging.getLogger("transformers").addHandler(logging.NullHandler())
    stream = _configured(level="DEBUG")
    logging.getLogger("httpx").info("HTTP Request: GET https://example.org")
    assert stream.getvalue() == ""
    assert logging.getLogger("transformers").handlers == []
    assert logging.getLogger("transformers").propagate


def test_an_unknown_level_is_refused_in_one_sentence() -> None:
    """A wrong LOG_LEVEL says which ones there are."""
    with pytest.raises(ValueError, match="set it to DEBUG, INFO, WARNING or ERROR"):
        house.configure("loud", False)


def test_a_crash_is_logged_masked() -> None:
    """The last words of a dying process go through the same mask."""
    program = (
        "from config.logging import configure; configure('INFO', True);"
        "raise RuntimeError('redis://:hunter2hunter2@h/0 is gone')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    line = json.loads(done.stderr)
    assert line["level"] == "critical"
    assert "redis://:***@h/0 is gone" in line["exception"]
