"""The state of everything at one look: what stands still and why, what waits, how jobs ended, how the workers are."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import timedelta

from redis.exceptions import RedisError

from bot.administration import workers
from bot.administration.desk import Desk, Listing, mention
from bot.administration.queueing import DOING
from bot.language import _, ngettext
from bot.ledger.job import OPEN
from bot.presenter import duration, plain

_DAY = timedelta(days=1)


async def status(desk: Desk) -> Listing:
    """For whoever looks after all servers. Raises redis.RedisError where that cannot be reached."""
    beats = await workers.listing(desk)
    return Listing("", (*await _queue(desk), *(beats.lines or (beats.empty,))))


async def status_at_least(desk: Desk) -> Listing:
    """The same, without the workers where Redis cannot be reached."""
    try:
        return await status(desk)
    except RedisError:
        away = _("Redis cannot be reached, so nothing is known of the workers; /doctor says more.")
        return Listing("", (*await _queue(desk), away))


async def of_the_queue(desk: Desk) -> Listing:
    """For the admin of one of several servers, who is told of no host that serves them all."""
    return Listing("", tuple(await _queue(desk)), _("Nothing was drawn yet, and nobody is waiting."))


async def _queue(desk: Desk) -> list[str]:
    """What is paused, what waits for each model and for how long, and how the last day's jobs ended."""
    ledger = desk.ledger
    lines = []
    pause, drain = await ledger.pause(), await desk.governance.drain()
    if pause is not None:
        lines.append(_("Paused by {by}: {reason}").format(by=mention(pause.by or 0), reason=plain(pause.reason, 200)))
    if drain is not None:
        lines.append(
            _("Draining for {by}, nothing new is accepted: {reason}").format(
                by=mention(drain.by or 0), reason=plain(drain.reason, 200)
            )
        )
    gpus: dict[str, int] = {}
    with contextlib.suppress(RedisError):
        gpus = await desk.fleet.gpus_by_model()
    for model, counts in sorted((await ledger.counts()).items()):
        figures = ", ".join(f"{counts[state]} {_(DOING[state])}" for state in OPEN if counts.get(state))
        line = f"**{plain(model, 60)}**: " + (figures or _("nothing to do"))
        left_s = await desk.governance.seconds_of_work(model)
        if left_s is not None and gpus.get(model) and pause is None:
            line += " · " + _("done in {duration}").format(duration=duration(left_s / gpus[model]))
        lines.append(line)
    ended = await desk.governance.endings(_DAY)
    return [*lines, _endings(ended)] if ended else lines


def _endings(ended: Mapping[str, int]) -> str:
    total = sum(ended.values())
    failed = {how.partition(" ")[2]: number for how, number in ended.items() if how.startswith("failed")}
    reasons = ", ".join(f"{number} {code}" for code, number in failed.items())
    rate = 100 * sum(failed.values()) / total
    said = ngettext(
        "Last 24 hours: {total} job ended, {rate:.1f} % failed",
        "Last 24 hours: {total} jobs ended, {rate:.1f} % failed",
        total,
    ).format(total=total, rate=rate)
    return f"{said} ({reasons})" if reasons else said
