"""The workers as their heartbeats tell: somebody draws, somebody delivers, nobody is sick or of another version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.fleet import Fleet, connect
from bot.ledger.facts import Pause
from config.finding import Finding, fail, ok, warn
from worker.contract import SCHEMA_VERSION, Heartbeat, KeyState

_STUCK_S = 900.0
_HOT_C = 90
_START = "Start one on each GPU: python -m worker --role gpu; python -m worker doctor says there what is in its way."


async def examine(url: str, default_model: str) -> list[Finding]:
    """Look at the workers of the Redis at `url`; nothing where it cannot be asked, which is said elsewhere."""
    try:
        redis: Redis = connect(url)
    except ValueError:
        return []
    try:
        return judge(await Fleet(redis).workers(), default_model)
    except (RedisError, OSError):
        return []
    finally:
        await redis.aclose()


def judge(workers: Sequence[Heartbeat], default_model: str) -> list[Finding]:
    """What the heartbeats tell."""
    gpu = [beat for beat in workers if beat.role == "gpu" and beat.complaint is None]
    return [
        *_drawing(gpu, default_model),
        _delivering(workers),
        *_keys(workers),
        *(_odd for beat in workers for _odd in _oddities(beat)),
    ]


def _drawing(gpu: Sequence[Heartbeat], default_model: str) -> list[Finding]:
    if not gpu:
        return [fail("GPU workers", "none is running", _START)]
    serving = [beat for beat in gpu if beat.state in ("idle", "busy")]
    loading = [beat for beat in gpu if beat.state == "loading"]
    if not serving and not loading:
        return [fail("GPU workers", "none takes pictures", "Resume or restart one: /admin workers list.")]
    found = [ok("GPU workers", f"{len(serving)} serving, {len(loading)} loading")]
    models = {beat.model.name for beat in gpu if beat.model}
    wanted = Path(default_model).name
    if wanted != "auto" and wanted not in models:
        served = ", ".join(sorted(models)) or "none"
        fix = "Set FLUX2_MODEL of the bot to a model that is served, or start a worker with it."
        found.append(warn("Default model", f"{wanted} is served by nobody ({served} is)", fix))
    return found


def _delivering(workers: Sequence[Heartbeat]) -> Finding:
    if not any(beat.role == "io" for beat in workers):
        return fail("Delivery", "nobody posts pictures", "Start it with the bot's token: python -m worker --role io.")
    return ok("Delivery", "running")


def _keys(workers: Sequence[Heartbeat]) -> list[Finding]:
    """API keys as the services that were asked about them see them; the bot has none itself."""
    told = sorted({(setting, state) for beat in workers for setting, state in beat.keys.items()})
    return [_key(setting, state) for setting, state in told] or [ok("API keys", "no io worker has one")]


def _key(setting: str, state: KeyState) -> Finding:
    if state == "refused":
        return fail(setting, "the service refuses it", f"Set {setting} of the io worker to a valid key, or remove it.")
    if state == "unreachable":
        return warn(setting, "the service cannot be reached", "Check the io worker's network and the service's status.")
    return ok(setting, "the service takes it")


def _unscreened(about: str, screens: Sequence[str], *, is_sample: bool) -> list[Finding]:
    found = []
    if "rules" not in screens:
        found.append(warn(about, "refuses no prompt by its words", "Set its FLUX2_SCREEN_RULES as the bot's."))
    # The sample draws circles and squares.
    if "classifier" not in screens and not is_sample:
        found.append(warn(about, "looks at no picture", "Set its FLUX2_SCREEN_CLASSIFIER to default and fetch it."))
    return found


def _oddities(beat: Heartbeat) -> list[Finding]:
    about, found = f"Worker {beat.name}", []
    if beat.complaint is not None:
        return [fail(about, f"did not start: {beat.complaint}")]
    if beat.state == "sick":
        fix = "Look at the GPU and its driver, then use /admin workers restart."
        found.append(fail(about, "its model's process died over three different pictures", fix))
    if beat.state == "draining":
        found.append(warn(about, "draining, takes no pictures", "Use /admin workers resume when that is over."))
    if beat.schema_version != SCHEMA_VERSION:
        fix = "Update bot and workers to the same version, the bot first."
        found.append(warn(about, f"speaks version {beat.schema_version}, the bot {SCHEMA_VERSION}", fix))
    if beat.screens is not None and beat.model is not None:
        found += _unscreened(about, beat.screens, is_sample=beat.model.name == "sample")
    if beat.temperature_c is not None and beat.temperature_c >= _HOT_C:
        found.append(warn(about, f"{beat.temperature_c} °C", "Look at its cooling: it slows down or stops soon."))
    return found


def judge_queue(
    *,
    paused: Pause | None,
    draining: Pause | None,
    oldest_s: float | None,
    is_served: bool,
    endings: Mapping[str, int],
) -> list[Finding]:
    """Whether jobs move: pauses, a job that waits too long, and how many failed lately."""
    found = []
    if paused is not None:
        found.append(warn("Queue", f"paused {_since(paused.since)}: {paused.reason}", "Use /admin resume."))
    if draining is not None:
        found.append(warn("Queue", f"draining {_since(draining.since)}: {draining.reason}", "Use /admin resume."))
    if oldest_s is not None and oldest_s > _STUCK_S and is_served and paused is None:
        minutes = round(oldest_s / 60)
        fix = "Look at /admin workers list, and add a GPU if all are busy."
        found.append(warn("Queue", f"the oldest picture waits for {minutes} minutes", fix))
    total, failed = sum(endings.values()), sum(n for how, n in endings.items() if how.startswith("failed"))
    if total >= 20 and failed > total / 4:
        fix = "Look at the workers' logs; /admin status says with which codes."
        found.append(warn("Failures", f"{failed} of the last day's {total} jobs failed", fix))
    lost = endings.get("undeliverable", 0)
    if lost:
        fix = "Check the bot's permissions where members draw; they find their pictures in /jobs."
        found.append(warn("Delivery", f"{lost} pictures of the last day could not be posted", fix))
    return found or [ok("Queue", "moving")]


def _since(moment: datetime) -> str:
    return f"since {moment:%Y-%m-%d %H:%M} UTC"
