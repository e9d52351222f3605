"""What governing says to members: bans, bounds and quotas refused, and what is left of a day.

Pure: values in, words out.
"""

from __future__ import annotations

from datetime import datetime

from bot.language import N_, _, listed, ngettext
from bot.ledger.allowance import Allowance, QuotaReached, Usage
from bot.ledger.audit import EVERYWHERE
from bot.ledger.bans import Ban
from bot.ledger.quota import next_day
from bot.ledger.rows import now
from bot.policy import Bound
from bot.presenter import elapsed, plain
from bot.refusal import Refusal

_NOTHING = N_("The admins of this server let nothing be drawn for you; ask one of them if you think this is wrong.")
_ADVICE = {
    "megapixels": N_("ask for a smaller size"),
    "steps": N_("ask for fewer"),
    "count": N_("ask for fewer"),
    "references": N_("leave some out"),
}


def beyond(name: str, bound: Bound, asked: float) -> Refusal:
    """The sentence for a job that asks for more of `name` than `bound`."""
    return Refusal(
        _("{says} allows at most {most}, and this has {asked:g}; {advice}.").format(
            says=bound.says, most=_amount(name, bound.most), asked=asked, advice=_(_ADVICE[name])
        )
    )


def _amount(name: str, most: float) -> str:
    # Forms are chosen by whole numbers; a fraction goes with the many.
    count = int(most) if most == int(most) else 2
    words = {
        "megapixels": ngettext("{most:g} megapixel", "{most:g} megapixels", count),
        "steps": ngettext("{most:g} step", "{most:g} steps", count),
        "count": ngettext("{most:g} picture at a time", "{most:g} pictures at a time", count),
        "references": ngettext("{most:g} reference image", "{most:g} reference images", count),
    }
    return words[name].format(most=most)


def quota_refusal(reached: QuotaReached) -> Refusal:
    """The sentence for a quota: which, its value, what is used, and when it frees up."""
    frees = f"<t:{int(reached.frees_at.timestamp()) + 1}:R>"
    if reached.limit == "cooldown":
        return Refusal(
            _("There are {elapsed} between two pictures here; the next can be asked for {frees}.").format(
                elapsed=elapsed(reached.most), frees=frees
            )
        )
    if reached.most == 0:
        return Refusal(_(_NOTHING))
    if reached.wanted > reached.most:
        return _beyond_a_day(reached)
    if reached.limit == "pictures":
        used = _("You have used {used:g} of {most:g} pictures for today").format(used=reached.used, most=reached.most)
        more = "" if reached.wanted == 1 else _("and this asks for {wanted:g}").format(wanted=reached.wanted)
    else:
        used = _("You have used {used:.0f} of {most:.0f} GPU-seconds for today").format(
            used=reached.used, most=reached.most
        )
        more = _("and this takes about {wanted:.0f}").format(wanted=reached.wanted)
    said = f"{used}, {more}" if more else used
    return Refusal(_("{said}; it frees up {frees}.").format(said=said, frees=frees))


def _beyond_a_day(reached: QuotaReached) -> Refusal:
    """What does not fit into a whole day never frees up."""
    if reached.limit == "pictures":
        said = _("This asks for {wanted:g} pictures, and you may have {most:g} a day; ask for fewer.")
    else:
        said = _(
            "This takes about {wanted:.0f} GPU-seconds, and you may have {most:.0f} a day; "
            "ask for a smaller size, fewer steps or fewer pictures."
        )
    return Refusal(said.format(wanted=reached.wanted, most=reached.most))


def not_allowed(reason: str) -> Refusal:
    """The sentence for a prompt that the rules refuse; `reason` is the screens' own sentence."""
    return Refusal(
        _("I do not draw this: {reason}; word it differently.").format(reason=plain(reason.rstrip("."), 200))
    )


def left_today(allowance: Allowance, used: Usage) -> str:
    """What is left of a day's quotas, and when they begin anew; empty without any."""
    parts = []
    if 0 in (allowance.pictures_per_day, allowance.gpu_seconds_per_day):
        return _(_NOTHING)
    if (most := allowance.pictures_per_day) is not None:
        parts.append(_("{left} of {most} pictures").format(left=max(most - used.pictures, 0), most=most))
    if (seconds := allowance.gpu_seconds_per_day) is not None:
        left = max(seconds - used.gpu_ms / 1000, 0)
        parts.append(_("{left:.0f} of {most:.0f} GPU-seconds").format(left=left, most=seconds))
    if not parts:
        return ""
    again = f"<t:{int(next_day(now()).timestamp())}:R>"
    return _("Left for today: {figures}; all of it again {when}.").format(figures=listed(parts), when=again)


def banned(ban: Ban) -> Refusal:
    """The sentence for a banned member: why, and until when."""
    until = _("this ban has no end")
    if ban.expires_at is not None:
        until = _("it ends {when}").format(when=f"<t:{int(ban.expires_at.timestamp())}:R>")
    reason = plain(ban.reason, 200) or _("no reason was given")
    said = _("You are banned from drawing on this server: {reason}; {until}. Ask an admin if you think this is wrong.")
    if ban.guild_id == EVERYWHERE:
        said = _("You are banned from this bot: {reason}; {until}. Ask whoever runs it if you think this is wrong.")
    return Refusal(said.format(reason=reason, until=until))


def too_new(days: int, opens: datetime) -> Refusal:
    """The sentence for a member who has not been on the server for `days` yet."""
    needed = ngettext("{count} day", "{count} days", days).format(count=days)
    moment = f"<t:{int(opens.timestamp())}:R>"
    return Refusal(
        _("Members draw here once they have been on this server for {needed}; for you that is {moment}.").format(
            needed=needed, moment=moment
        )
    )
