"""Members: bans with reason and end, and what they have used of their quotas."""

from __future__ import annotations

from bot.administration import span
from bot.administration.desk import Desk, Listing, mention
from bot.ledger.audit import EVERYWHERE
from bot.ledger.rows import now
from bot.ledger.rules import Document, Scope
from bot.policy import RolePolicy
from bot.presenter import plain
from bot.refusal import Refusal

_MAX_REASON = 200


async def ban(desk: Desk, user_id: int, reason: str, lasts: str | None) -> str:
    """Keep a member from drawing, here or, for the operator, everywhere."""
    if user_id == desk.actor.user_id:
        raise Refusal("You cannot ban yourself; ask another admin.")
    ends = None if not lasts else now() + span.parse(lasts)
    former = await desk.governance.ban(desk.actor, user_id, reason.strip()[:_MAX_REASON], ends)
    until = "until somebody lifts it" if ends is None else f"until <t:{int(ends.timestamp())}:f>"
    again = " This replaces an earlier ban." if former is not None else ""
    return f"{mention(user_id)} is banned from drawing {until}.{again} Cancel open pictures with /admin cancel."


async def unban(desk: Desk, user_id: int) -> str:
    """Let a member draw again."""
    former = await desk.governance.unban(desk.actor, user_id)
    if former is None:
        raise Refusal(f"{mention(user_id)} is not banned here; /admin ban without a member lists who is.")
    return f"{mention(user_id)} may draw again."


async def bans(desk: Desk) -> Listing:
    """Who is banned here."""
    lines = [
        f"{mention(one.user_id)} · {plain(one.reason, 120) or 'no reason'} · by {mention(one.banned_by)}"
        + (" · no end" if one.expires_at is None else f" · ends <t:{int(one.expires_at.timestamp())}:R>")
        for one in await desk.governance.bans(desk.guild_id)
    ]
    return Listing("Banned from drawing", tuple(lines), "Nobody is banned.")


async def quota_show(desk: Desk, user_id: int | None) -> Listing:
    """What members used today, the heaviest first; or one member, with the quota of his own if he has one."""
    _require_guild(desk)
    if user_id is None:
        used = await desk.governance.heaviest(desk.guild_id)
    else:
        used = [(user_id, await desk.governance.usage(desk.guild_id, user_id))]
    rules = await desk.governance.rules(desk.guild_id)
    lines = [
        f"{mention(one)} · {usage.pictures} pictures · {usage.gpu_ms / 1000:.0f} GPU-seconds"
        + _own(rules.get((Scope.MEMBER, one), {}))
        for one, usage in used
    ]
    return Listing("Used today (UTC)", tuple(lines), "Nobody has drawn anything today.")


def _own(document: Document) -> str:
    own = RolePolicy.model_validate(document)
    parts = [
        f"{value} {what}"
        for value, what in ((own.pictures_per_day, "pictures"), (own.gpu_seconds_per_day, "GPU-seconds"))
        if value is not None
    ]
    return f" · own quota: {' and '.join(parts)} a day" if parts else ""


async def quota_set(desk: Desk, user_id: int, pictures: int | None, gpu_seconds: int | None) -> str:
    """Give a member a quota of his own, which goes before those of his roles; without figures he has none."""
    _require_guild(desk)
    given = {"pictures_per_day": pictures, "gpu_seconds_per_day": gpu_seconds}
    document = {name: value for name, value in given.items() if value is not None}
    await desk.governance.change(desk.actor, "quota set", (Scope.MEMBER, user_id), lambda _: document)
    if not document:
        return f"{mention(user_id)} has the quota of his roles again."
    return f"Set{_own(document).replace(' ·', '')} for {mention(user_id)}."


async def quota_reset(desk: Desk, user_id: int) -> str:
    """Forget what a member has used today."""
    _require_guild(desk)
    had = await desk.governance.forgive(desk.actor, user_id)
    used = f"{had.pictures} pictures and {had.gpu_ms / 1000:.0f} GPU-seconds"
    return f"Forgot {used} that {mention(user_id)} had used today."


def _require_guild(desk: Desk) -> None:
    if desk.guild_id == EVERYWHERE:
        raise Refusal("Quotas are counted by server; name one with --guild.")
