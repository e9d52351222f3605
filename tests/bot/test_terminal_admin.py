"""`python -m bot admin` at a terminal: the same deeds, for one server or all, beside a bot or without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.ledger.ledger import Ledger
from sandbox.redis_server import RedisServer


@pytest.fixture
def admin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis_server: RedisServer, tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """Runs a command line and returns its status and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", "not.a.token")
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/ledger.db")

    def run(line: str) -> tuple[int, str]:
        status = main(["admin", *line.split()])
        said = capsys.readouterr()
        return status, said.out or said.err

    return run


Admin = Callable[..., tuple[int, str]]


def test_rules_bans_and_quotas_are_set_and_shown(admin: Admin) -> None:
    """What one call sets the next one shows, in words a terminal can show."""
    assert admin("--guild 1 limits set --steps 20 --megapixels 2") == (
        0,
        "Set for this server: megapixels 2 · steps 20.\n",
    )
    assert admin("--guild 1 limits show")[1] == "Rules by server\nthis server: megapixels 2 · steps 20\n"
    assert admin("--guild 1 roles set 20 --models dev,klein-4b --cooldown 30 --priority high")[0] == 0
    assert "role 20: models dev, klein-4b · priority high · cooldown 30 s" in admin("--guild 1 roles list")[1]
    assert "priority" not in admin("--guild 1 roles set 20 --forget priority --models all --steps 9")[1]
    assert admin("--guild 1 roles set 20 --forget cooldown")[1] == "Set for role 20: steps 9.\n"
    assert admin("--guild 1 channels set 30 --access deny")[0] == 0
    assert admin("--guild 1 channels clear 30")[1].startswith("Removed the rule for channel 30")
    assert admin("--guild 1 safety set --denied-words Spider,clown --image-threshold 0.4 --spoiler on") == (
        0,
        "Set for this server: denied words spider, clown · image threshold 0.4 · spoiler on · "
        "megapixels 2 · steps 20.\n",
    )
    assert "channel 30: question on" in admin("--guild 1 safety set --channel 30 --question on")[1]
    assert "denied words clown, moth ·" in admin("--guild 1 safety set --denied-words=-spider,+Moth")[1]
    assert (
        "set this server (server 1): denied words spider → denied words moth\n"
        in admin("audit search --action safety")[1]
    )
    assert (
        "may be 100 of them" in admin("--guild 1 safety set --denied-words " + ",".join(f"w{n}" for n in range(101)))[1]
    )
    assert admin("--guild 1 safety set --denied-words " + ",".join(f"w{n}" for n in range(21)))[0] == 0
    assert [line.count(",") for line in admin("--guild 1 safety show")[1].splitlines()] == [0, 0, 9, 9, 0, 0]
    assert admin("--guild 1 safety set --denied-words none")[0] == 0
    assert admin("--guild 1 safety show")[1].endswith(
        "this server: image threshold 0.4 · spoiler on\nchannel 30: question on\n"
    )
    assert admin("--guild 1 safety clear")[1] == "Removed; it was: image threshold 0.4 · spoiler on.\n"
    assert admin("--guild 1 limits show")[1].endswith("megapixels 2 · steps 20\n")
    assert "member 7 is banned from drawing on every server until 20" in admin("ban 7 --reason spam --lasts 7d")[1]
    assert admin("bans")[1].startswith("Banned on every server\nmember 7 · spam · by the terminal · ends 20")
    assert admin("unban 7") == (0, "member 7 may draw again.\n")
    assert admin("--guild 1 quota set 7 --pictures 5")[1] == "Set own quota: 5 pictures a day for member 7.\n"


def test_what_cannot_be_is_one_sentence_and_status_one(admin: Admin) -> None:
    """A wrong figure, an unknown job and a quota without a server are refused in words."""
    for line, words in (
        ("limits set --steps 0", "That value for steps cannot be"),
        ("cancel --job 0123456789abcdef", "no such job"),
        ("cancel", "Give either --job or --user."),
        ("quota show", "name one with --guild"),
        ("unban 7", "is not banned here"),
        ("ban 7 --lasts ever", "write it as 30m, 12h, 7d or 2w"),
        ("--guild 1 channels set 30 --access maybe", "That value for access cannot be"),
        ("channels set 30 --access deny", "belong to a server; name it with --guild"),
        ("roles clear 20", "belong to a server; name it with --guild"),
        ("safety clear --channel 30", "belong to a server; name it with --guild"),
        ("safety set --reports-channel 30", "name the server with --guild"),
        ("limits set --forget stepz", "There is no stepz in such a rule"),
        ("--guild 1 quota set 7 --pictures -5", "That value for pictures per day cannot be"),
    ):
        status, said = admin(line)
        assert status == 1, line
        assert words in said
        assert said.count("\n") == 1


def test_the_queue_is_paused_drained_and_looked_at(admin: Admin) -> None:
    """Status tells what holds; the audit log that it was the terminal, for every server."""
    assert admin("pause --reason upgrade")[0] == 0
    assert admin("drain --reason upgrade")[0] == 0
    said = admin("status")[1]
    assert "Paused by the terminal: upgrade" in said
    assert "Draining for the terminal" in said
    assert "No worker is running" in said
    assert admin("resume")[1] == "Resumed.\n"
    assert admin("audit search --action res")[1].count("the terminal resume") == 1


def test_the_audit_log_is_written_to_a_file(admin: Admin, tmp_path: Path) -> None:
    """One JSON object on each line, all servers together."""
    admin("--guild 1 limits set --steps 20")
    admin("--guild 2 limits set --steps 30")
    assert admin("audit export log.jsonl")[1] == "Wrote 2 rows to log.jsonl.\n"
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(row["guild_id"], row["after"]) for row in rows] == [(2, {"steps": 30}), (1, {"steps": 20})]


def test_a_queued_job_is_moved_and_cancelled(admin: Admin, new_job: Any, caps: Any, tmp_path: Path) -> None:
    """The terminal reaches jobs of every server; a bot that runs meanwhile sees it in the ledger."""
    import asyncio

    async def accept() -> str:
        ledger = await Ledger.open(f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
        job = await ledger.accept(new_job(), caps)
        await ledger.close()
        return job.id

    job_id = asyncio.run(accept())
    assert job_id in admin("queue list")[1]
    assert "nobody" not in admin(f"queue move {job_id} low")[1]
    assert " · low (server " in admin("queue list")[1]
    assert admin(f"--guild 99 cancel --job {job_id}")[0] == 1
    assert admin(f"cancel --job {job_id}")[1] == "Cancelled before it was begun.\n"
    assert "Cancelled 0" not in admin("cancel --user 7")[1]


def test_without_redis_it_says_so(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is away is named, with its setting."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    status, said = admin("status")
    assert status == 69
    assert "REDIS_URL" in said
