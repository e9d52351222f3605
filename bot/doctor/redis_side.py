"""Redis: reachable, new enough, durable, never evicting, with memory left, and its clock beside ours."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot import complaints
from bot.fleet import connect
from config.finding import Finding, fail, ok, warn

_OLDEST = (6, 2)
_FULL = 0.9
_SKEW_S = 5.0
_ABOUT = "Redis"


async def examine(url: str) -> list[Finding]:
    """Look at the Redis at `url`."""
    try:
        redis = connect(url)
    except ValueError as error:
        return [fail(_ABOUT, complaints.redis_url(error))]
    try:
        return await _look(redis)
    except (RedisError, OSError) as error:
        return [fail(_ABOUT, complaints.redis_away(error))]
    finally:
        await redis.aclose()


async def _look(redis: Redis) -> list[Finding]:
    began = time.time()
    seconds, micro = await redis.time()
    skew_s = (began + time.time()) / 2 - (int(seconds) + int(micro) / 1e6)
    return [*judge(await redis.info()), _clock(skew_s)]


def judge(info: Mapping[str, Any]) -> list[Finding]:
    """What INFO tells."""
    return [_version(info), _durability(info), _eviction(info), _memory(info), _writes(info)]


def _version(info: Mapping[str, Any]) -> Finding:
    shown = str(info.get("valkey_version") or info.get("redis_version") or "?")
    numbers = tuple(int(part) for part in re.findall(r"\d+", shown)[:2])
    if numbers < _OLDEST:
        return fail(_ABOUT, f"version {shown} is too old", "Install Redis 6.2 or Valkey 7.2, or newer.")
    return ok(_ABOUT, f"version {shown}")


def _durability(info: Mapping[str, Any]) -> Finding:
    if not int(info.get("aof_enabled", 0)):
        return warn(
            "Redis AOF",
            "off: after a crash the bot has to send open jobs again",
            "Start Redis with --appendonly yes.",
        )
    return ok("Redis AOF", "on")


def _eviction(info: Mapping[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        return fail(
            "Redis eviction", f"{policy} throws jobs away when memory is short", "Set maxmemory-policy to noeviction."
        )
    return ok("Redis eviction", policy)


def _memory(info: Mapping[str, Any]) -> Finding:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    shown = f"{used / 1e6:.0f} MB used"
    if most and used > _FULL * most:
        return warn("Redis memory", f"{shown} of {most / 1e6:.0f}", "Raise maxmemory before Redis refuses writes.")
    return ok("Redis memory", shown + (f" of {most / 1e6:.0f}" if most else ", no limit"))


def _writes(info: Mapping[str, Any]) -> Finding:
    states = {str(info.get(name, "ok")) for name in ("aof_last_write_status", "rdb_last_bgsave_status")}
    if states != {"ok"}:
        return fail("Redis disk", "the last write to disk failed", "Free space on Redis's disk and look at its log.")
    return ok("Redis disk", "last write succeeded")


def _clock(skew_s: float) -> Finding:
    if abs(skew_s) > _SKEW_S:
        return warn(
            "Clock", f"{skew_s:+.0f} s beside Redis's; times shown are wrong", "Run an NTP service on both hosts."
        )
    return ok("Clock", f"{skew_s:+z.1f} s beside Redis's")
