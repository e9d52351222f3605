"""Each planted fault is found by the doctor, and its fix is named."""

from __future__ import annotations

import asyncio
import math
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import discord
import pytest
from redis.asyncio import Redis

from bot.doctor import discord_side, redis_side, store_side, worker_side
from bot.ledger.facts import Pause
from bot.ledger.ledger import Ledger
from config.finding import Finding
from flux2.models import REGISTRY
from sandbox.redis_server import RedisServer
from sandbox.server import SandboxServer
from worker.blobs import open_blobs
from worker.contract import SCHEMA_VERSION, Heartbeat

NOBODY = "redis://127.0.0.1:1/0"
LONG_AGO = Pause("new GPU", datetime(2026, 11, 20, tzinfo=UTC), 5)


@dataclass
class Place:
    """Where faults are planted."""

    folder: Path
    redis_url: str
    server: SandboxServer

    @property
    def ledger_url(self) -> str:
        """A ledger in a file."""
        return f"sqlite+aiosqlite:///{self.folder}/ledger.db"

    def sql(self, statement: str) -> None:
        """Change the ledger behind everybody's back."""
        with sqlite3.connect(self.folder / "ledger.db") as connection:
            connection.execute(statement)
        connection.close()


@pytest.fixture(scope="module")
def _redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One of this module's own: the faults here are in its configuration, which others rely on."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def place(tmp_path: Path, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A healthy deployment; the library gets its own endpoints back afterwards."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", None)
    server = await SandboxServer.start()
    redis = Redis.from_url(redis_server.url)
    before = await redis.config_get("maxmemory*")
    yield Place(tmp_path, redis_server.url, server)
    for name in ("maxmemory", "maxmemory-policy"):
        await redis.config_set(name, before[name])
    await redis.config_set("appendonly", "no")
    await redis.aclose()
    await server.stop()


def beat(name: str = "gpu-1", **fields: object) -> Heartbeat:
    """A worker that is well."""
    given = {"name": name, "role": "gpu", "state": "idle", "model": REGISTRY["sample"], **fields}
    return Heartbeat.model_validate(given)


def keyed(state: str) -> Heartbeat:
    """An io worker with a key that a service was asked about."""
    return beat("io-1", role="io", model=None, keys={"OPENROUTER_API_KEY": state})


DELIVERY = beat("io-1", role="io", model=None)


async def _redis(place: Place, **config: str) -> list[Finding]:
    redis = Redis.from_url(place.redis_url)
    for name, value in config.items():
        await redis.config_set(name.replace("_", "-"), value)
    await redis.aclose()
    return await redis_side.examine(place.redis_url)


async def token(place: Place) -> list[Finding]:
    """A token of no bot."""
    return await discord_side.examine("not.a.token", place.server.api_url, None, [])


async def discord_down(place: Place) -> list[Finding]:
    """Nobody listens at DISCORD_API_URL."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/api/v10"
        return await discord_side.examine(place.server.world.token, url, None, [])


async def unsynced(place: Place) -> list[Finding]:
    """Discord was never told of the commands."""
    return await discord_side.examine(place.server.world.token, place.server.api_url, None, ["imagine"])


async def no_accounts(place: Place) -> list[Finding]:
    """The developer portal allows no User Install."""
    world = place.server.world
    world.application.user_install = False
    try:
        return await discord_side.examine(world.token, place.server.api_url, None, [], user_install=True)
    finally:
        world.application.user_install = True


async def newer_ledger(place: Place) -> list[Finding]:
    """Written by a version from the future."""
    await (await Ledger.open(place.ledger_url)).close()
    place.sql("UPDATE alembic_version SET version_num = '9999'")
    return await store_side.examine_ledger(place.ledger_url)


async def older_ledger(place: Place) -> list[Finding]:
    """Not migrated yet."""
    await (await Ledger.open(place.ledger_url)).close()
    place.sql("UPDATE alembic_version SET version_num = '0001'")
    return await store_side.examine_ledger(place.ledger_url)


async def ledger_folder(place: Place) -> list[Finding]:
    """A file stands where the folder should."""
    (place.folder / "data").write_text("")
    return await store_side.examine_ledger(f"sqlite+aiosqlite:///{place.folder}/data/ledger.db")


async def ledger_damaged(place: Place) -> list[Finding]:
    """The file is no database."""
    (place.folder / "ledger.db").write_bytes(b"nothing like a database" * 100)
    return await store_side.examine_ledger(place.ledger_url)


async def blobs_blocked(place: Place) -> list[Finding]:
    """A file stands where the pictures should lie."""
    (place.folder / "blobs").write_text("")
    return await store_side.examine_blobs((place.folder / "blobs").as_uri())


async def blobs_shared(place: Place) -> list[Finding]:
    """Two ledgers keep pictures in one folder."""
    url = (place.folder / "blobs").as_uri()
    for owner in ("abc", "def"):
        open_blobs(url).register(owner)
    return await store_side.examine_blobs(url)


async def disk_full(place: Place) -> list[Finding]:
    """Hardly any room is left."""
    return [store_side._room(10**6)]


def judged(*beats: Heartbeat, model: str = "sample") -> Callable[[Place], Awaitable[list[Finding]]]:
    """Workers with these heartbeats."""

    async def look(place: Place) -> list[Finding]:
        return worker_side.judge(beats, model)

    return look


def queue(**fields: object) -> Callable[[Place], Awaitable[list[Finding]]]:
    """A queue in that state."""
    well = {"paused": None, "draining": None, "oldest_s": None, "is_served": True, "endings": {}}

    async def look(place: Place) -> list[Finding]:
        return worker_side.judge_queue(**{**well, **fields})  # type: ignore[arg-type]

    return look


def found(*findings: Finding) -> Callable[[Place], Awaitable[list[Finding]]]:
    """A judgement that needs no place."""

    async def look(place: Place) -> list[Finding]:
        return list(findings)

    return look


def reports(**fields: Any) -> Callable[[Place], Awaitable[list[Finding]]]:
    """A server whose moderators see reports, but for that."""
    return found(
        discord_side.judge_reports(**{"is_chosen": True, "has": discord_side.NEEDED, "is_public": False, **fields})
    )


FAULTS: dict[str, tuple[Callable[[Place], Awaitable[list[Finding]]], str, str]] = {
    "token refused": (token, "fail", "set DISCORD_TOKEN"),
    "Discord away": (discord_down, "fail", "check the network and DISCORD_API_URL"),
    "commands unknown": (unsynced, "fail", "Restart the bot"),
    "permission missing": (
        found(discord_side.judge_permissions(discord.Permissions(view_channel=True))),
        "fail",
        "Send Messages",
    ),
    "no threads": (
        found(discord_side.judge_permissions(discord_side.NEEDED & ~discord.Permissions(create_public_threads=True))),
        "warn",
        "Create Public Threads",
    ),
    "gateway away": (found(discord_side.judge_gateway([math.nan])), "fail", "DISCORD_GATEWAY_URL"),
    "gateway slow": (found(discord_side.judge_gateway([0.1, 3.0])), "warn", "nearer to Discord"),
    "a trial's address": (
        found(discord_side.judge_address("http://127.0.0.1/api/v10", allows_loopback=True)),
        "warn",
        "Remove DISCORD_API_URL",
    ),
    "no reports": (reports(is_chosen=False), "warn", "/admin safety set reports_channel"),
    "reports' channel gone": (reports(has=None), "fail", "/admin safety set reports_channel"),
    "reports not posted": (reports(has=discord.Permissions(view_channel=True)), "fail", "Send Messages, Attach Files"),
    "reports seen by all": (reports(is_public=True), "warn", "a channel of the moderators"),
    "no user install": (no_accounts, "fail", "Allow User Install"),
    "Redis away": (lambda place: redis_side.examine(NOBODY), "fail", "start it or set REDIS_URL"),
    "no Redis URL": (lambda place: redis_side.examine("not a url"), "fail", "redis://host:6379/0"),
    "AOF off": (lambda place: _redis(place, appendonly="no"), "warn", "--appendonly yes"),
    "eviction": (lambda place: _redis(place, maxmemory_policy="allkeys-lru"), "fail", "noeviction"),
    "Redis nearly full": (lambda place: _redis(place, maxmemory="1000"), "warn", "Raise maxmemory"),
    "Redis old": (found(*redis_side.judge({"redis_version": "5.0.7", "aof_enabled": 1})), "fail", "Redis 6.2"),
    "Redis cannot write": (
        found(*redis_side.judge({"redis_version": "7.0.0", "aof_enabled": 1, "aof_last_write_status": "err"})),
        "fail",
        "Free space on Redis's disk",
    ),
    "clock": (found(redis_side._clock(-90)), "warn", "NTP"),
    "no rules": (lambda place: store_side.examine_rules(None), "warn", "FLUX2_SCREEN_RULES to default"),
    "rules gone": (lambda place: store_side.examine_rules(Path("/nowhere.toml")), "fail", "fix FLUX2_SCREEN_RULES"),
    "ledger newer": (newer_ledger, "fail", "Update the bot or restore a backup"),
    "ledger older": (older_ledger, "warn", "Restart the bot"),
    "ledger's folder": (ledger_folder, "fail", "DATABASE_URL"),
    "ledger damaged": (ledger_damaged, "fail", "DATABASE_URL"),
    "ledger away": (
        lambda place: store_side.examine_ledger("postgresql+asyncpg://bot@127.0.0.1:1/ledger"),
        "fail",
        "start it or set DATABASE_URL",
    ),
    "ledger URL": (lambda place: store_side.examine_ledger("nonsense"), "fail", "sqlite+aiosqlite:///file"),
    "blobs blocked": (blobs_blocked, "fail", "BLOB_URL"),
    "blobs URL": (lambda place: store_side.examine_blobs("ftp://x"), "fail", "file:///path or s3://"),
    "blobs shared": (blobs_shared, "warn", "a BLOB_URL of its own"),
    "disk full": (disk_full, "fail", "Free space"),
    "key refused": (judged(beat(), keyed("refused")), "fail", "Set OPENROUTER_API_KEY"),
    "key not proved": (judged(beat(), keyed("unreachable")), "warn", "the io worker's network"),
    "no GPU": (judged(DELIVERY), "fail", "python -m worker --role gpu; python -m worker doctor"),
    "no delivery": (judged(beat()), "fail", "python -m worker --role io"),
    "did not start": (
        judged(beat(), DELIVERY, beat("h-auto", state="sick", model=None, complaint="dev is not here: run fetch.")),
        "fail",
        "did not start: dev is not here: run fetch.",
    ),
    "sick": (judged(beat(state="sick"), DELIVERY), "fail", "/admin workers restart"),
    "all drained": (judged(beat(state="draining"), DELIVERY), "fail", "Resume or restart one"),
    "other version": (judged(beat(schema_version=SCHEMA_VERSION + 1), DELIVERY), "warn", "the bot first"),
    "words unread": (judged(beat(screens=()), DELIVERY), "warn", "FLUX2_SCREEN_RULES as the bot's"),
    "pictures unseen": (
        judged(beat(model=REGISTRY["dev"], screens=("rules",)), DELIVERY, model="dev"),
        "warn",
        "FLUX2_SCREEN_CLASSIFIER to default",
    ),
    "hot": (judged(beat(temperature_c=95), DELIVERY), "warn", "cooling"),
    "default not served": (judged(beat(), DELIVERY, model="dev"), "warn", "Set FLUX2_MODEL"),
    "paused": (queue(paused=LONG_AGO), "warn", "/admin resume"),
    "draining": (queue(draining=LONG_AGO), "warn", "/admin resume"),
    "stuck": (queue(oldest_s=3600), "warn", "/admin workers list"),
    "failing": (queue(endings={"delivered": 10, "failed internal": 30}), "warn", "workers' logs"),
    "not posted": (queue(endings={"undeliverable": 2}), "warn", "permissions"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_planted_fault_is_found_and_its_fix_named(place: Place, fault: str) -> None:
    """The line has the right level and says what to do; nothing is ever only “wrong”."""
    look, level, words = FAULTS[fault]
    bad = [one for one in await look(place) if one.level != "ok"]
    lines = [one.line for one in bad]
    assert any(one.level == level and words in one.line for one in bad), lines


async def test_a_healthy_deployment_is_all_ok(place: Place) -> None:
    """Without a fault nothing is warned of."""
    redis = Redis.from_url(place.redis_url)
    await redis.config_set("appendonly", "yes")
    await redis.aclose()
    await (await Ledger.open(place.ledger_url)).close()
    findings = [
        *await discord_side.examine(place.server.world.token, place.server.api_url, None, []),
        *await redis_side.examine(place.redis_url),
        *await store_side.examine_ledger(place.ledger_url),
        *await store_side.examine_blobs((place.folder / "blobs").as_uri()),
        *worker_side.judge([beat(screens=("rules",)), DELIVERY, keyed("accepted")], "sample"),
        *await queue(endings={"delivered": 100, "failed internal": 3})(place),
        discord_side.judge_permissions(discord_side.NEEDED),
        discord_side.judge_gateway([0.05]),
        *await reports()(place),
    ]
    assert [one.line for one in findings if one.level != "ok" and one.about != "Disk"] == []


async def test_the_doctor_leaves_no_trace(place: Place) -> None:
    """Looking makes no ledger, and leaves no blob behind."""
    await store_side.examine_ledger(place.ledger_url)
    await store_side.examine_blobs((place.folder / "blobs").as_uri())
    left = await asyncio.to_thread(lambda: [path for path in place.folder.rglob("*") if path.is_file()])
    assert left == []
