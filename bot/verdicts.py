"""What governing says to members: bans, bounds and quotas refused, and what is left of a day.

Pure: values in, words out.
"""

from __future__ import annotations

from datetime import datetime

from bot.ledger.allowance import Allowance, QuotaReached, Usage
from bot.ledger.audit import EVERYWHERE
from bot.ledger.bans import Ban
from bot.ledger.quota import next_day
from bot.ledger.rows import now
from bot.policy import Bound
from bot.presenter import elapsed, plain
from bot.refusal import Refusal

_FOREVER = "this ban has no end"
_ASKED = {
    "megapixels": ("megapixels", "ask for a smaller size"),
    "steps": ("steps", "ask for fewer"),
    "count": ("pictures at a time", "ask for fewer"),
    "references": ("reference images", "leave some out"),
}


def beyond(name: str, bound: Bound, asked: float) -> Refusal:
    """The sentence for a job that asks for more of `name` than `bound`."""
    what, advice = _ASKED[name]
    return Refusal(f"{bound.says} allows at most {bound.most:g} {what}, and this has {asked:g}; {advice}.")


def quota_refusal(reached: QuotaReached) -> Refusal:
    """The sentence for a quota: which, its value, what is used, and when it frees up."""
    frees = f"<t:{int(reached.frees_at.timestamp()) + 1}:R>"
    if reached.limit == "cooldown":
        return Refusal(
            f"There are {elapsed(reached.most)} between two pictures here; the next can be asked for {frees}."
        )
    if reached.limit == "pictures":
        used = f"You have used {reached.used:g} of {reached.most:g} pictures for today"
        more = "" if reached.wanted == 1 else f", and this asks for {reached.wanted:g}"
    else:
        used = f"You have used {reached.used:.0f} of {reached.most:.0f} GPU-seconds for today"
        more = f", and this takes about {reached.wanted:.0f}"
    return Refusal(f"{used}{more}; it frees up {frees}.")


def left_today(allowance: Allowance, used: Usage) -> str:
    """What is left of a day's quotas, and when they begin anew; empty without any."""
    parts = []
    if (most := allowance.pictures_per_day) is not None:
        parts.append(f"{max(most - used.pictures, 0)} of {most} pictures")
    if (seconds := allowance.gpu_seconds_per_day) is not None:
        parts.append(f"{max(seconds - used.gpu_ms / 1000, 0):.0f} of {seconds:.0f} GPU-seconds")
    if not parts:
        return ""
    return f"Left for today: {' and '.join(parts)}; all of it again <t:{int(next_day(now()).timestamp())}:R>."


def banned(ban: Ban) -> Refusal:
    """The sentence for a banned member: why, and until when."""
    until = _FOREVER if ban.expires_at is None else f"it ends <t:{int(ban.expires_at.timestamp())}:R>"
    reason = plain(ban.reason, 200) or "no reason was given"
    where = "from this bot" if ban.guild_id == EVERYWHERE else "from drawing on this server"
    return Refusal(f"You are banned {where}: {reason}; {until}. Ask an admin if you think this is wrong.")


def too_new(days: int, opens: datetime) -> Refusal:
    """The sentence for a member who has not been on the server for `days` yet."""
    needed = "1 day" if days == 1 else f"{days} days"
    moment = f"<t:{int(opens.timestamp())}:R>"
    return Refusal(f"Members draw here once they have been on this server for {needed}; for you that is {moment}.")
