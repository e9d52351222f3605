"""Members: bans with reason and end, and what they have used of their quotas."""

from __future__ import annotations

from bot.administration import queueing, span
from bot.administration.desk import Desk, Listing, Suggestion, mention
from bot.administration.ruling import checked
from bot.language import _, listed, ngettext
from bot.ledger.allowance import Usage
from bot.ledger.audit import EVERYWHERE
from bot.ledger.bans import Ban
from bot.ledger.rows import now
from bot.ledger.rules import Document, Scope
from bot.policy import RolePolicy
from bot.presenter import plain
from bot.refusal import Refusal

_MAX_REASON = 200


async def ban(desk: Desk, user_id: int, reason: str, lasts: str | None) -> str | Suggestion:
    """Keep a member from drawing, here or, for the operator, everywhere; what is open can be cancelled next."""
    if user_id == desk.actor.user_id:
        raise Refusal(_("You cannot ban yourself; ask another admin."))
    ends = None if not lasts else now() + span.parse(lasts)
    former = await desk.governance.ban(desk.actor, user_id, reason.strip()[:_MAX_REASON], ends)
    until = _("until somebody lifts it")
    if ends is not None:
        until = _("until {when}").format(when=f"<t:{int(ends.timestamp())}:f>")
    said = _("{member} is banned from drawing {until}.")
    if desk.guild_id == EVERYWHERE:
        said = _("{member} is banned from drawing on every server {until}.")
    said = said.format(member=mention(user_id), until=until)
    if former is not None:
        said += " " + _("This replaces an earlier ban.")
    count = len(await queueing.open_of(desk, user_id))
    if not count:
        return said
    still = ngettext(
        "{count} picture of theirs is still open; /admin cancel ends it.",
        "{count} pictures of theirs are still open; /admin cancel ends them.",
        count,
    )
    return Suggestion(
        f"{said} {still.format(count=count)}", _("Cancel all"), lambda desk: queueing.cancel_all(desk, user_id)
    )


async def unban(desk: Desk, user_id: int) -> str:
    """Let a member draw again."""
    former = await desk.governance.unban(desk.actor, user_id)
    if former is None:
        if desk.guild_id != EVERYWHERE and await desk.governance.ban_of(user_id, EVERYWHERE) is not None:
            raise Refusal(
                _("{member} is banned on every server, which only whoever runs this bot can end.").format(
                    member=mention(user_id)
                )
            )
        raise Refusal(
            _("{member} is not banned here; /admin ban without a member lists who is.").format(member=mention(user_id))
        )
    return _("{member} may draw again.").format(member=mention(user_id))


async def bans(desk: Desk) -> Listing:
    """Who is banned here."""
    lines = map(_ban, await desk.governance.bans(desk.guild_id))
    title = _("Banned on every server") if desk.guild_id == EVERYWHERE else _("Banned from drawing")
    return Listing(title, tuple(lines), _("Nobody is banned."))


def _ban(one: Ban) -> str:
    end = _("no end")
    if one.expires_at is not None:
        end = _("ends {when}").format(when=f"<t:{int(one.expires_at.timestamp())}:R>")
    reason, by = plain(one.reason, 120) or _("no reason"), _("by {member}").format(member=mention(one.banned_by))
    return " · ".join((mention(one.user_id), reason, by, end))


async def quota_show(desk: Desk, user_id: int | None) -> Listing:
    """What members used today, the heaviest first; or one member, with the quota of his own if he has one."""
    _require_guild(desk)
    if user_id is None:
        used = await desk.governance.heaviest(desk.guild_id)
    else:
        used = [(user_id, await desk.governance.usage(desk.guild_id, user_id))]
    rules = await desk.governance.rules(desk.guild_id)
    lines = [
        " · ".join(filter(None, (mention(one), *_used(usage), _own(rules.get((Scope.MEMBER, one), {})))))
        for one, usage in used
    ]
    return Listing(_("Used today (UTC)"), tuple(lines), _("Nobody has drawn anything today."))


def _own(document: Document) -> str:
    own = RolePolicy.model_validate(document)
    pictures, seconds = own.pictures_per_day, own.gpu_seconds_per_day
    parts = [] if pictures is None else [_pictures(pictures)]
    parts += [] if seconds is None else [_("{seconds} GPU-seconds").format(seconds=seconds)]
    return _("own quota: {figures} a day").format(figures=listed(parts)) if parts else ""


def _used(usage: Usage) -> tuple[str, str]:
    seconds = _("{seconds:.0f} GPU-seconds").format(seconds=usage.gpu_ms / 1000)
    return _pictures(usage.pictures), seconds


def _pictures(count: int) -> str:
    return ngettext("{count} picture", "{count} pictures", count).format(count=count)


async def quota_set(desk: Desk, user_id: int, pictures: int | None, gpu_seconds: int | None) -> str:
    """Give a member a quota of his own, which goes before those of his roles; without figures he has none."""
    _require_guild(desk)
    given = {"pictures_per_day": pictures, "gpu_seconds_per_day": gpu_seconds}
    document = checked(Scope.MEMBER, {name: value for name, value in given.items() if value is not None})
    await desk.governance.change(desk.actor, "quota set", (Scope.MEMBER, user_id), lambda _: document)
    if not document:
        return _("{member} has the quota of their roles again.").format(member=mention(user_id))
    return _("Set {own} for {member}.").format(own=_own(document), member=mention(user_id))


async def quota_reset(desk: Desk, user_id: int) -> str:
    """Forget what a member has used today."""
    _require_guild(desk)
    had = await desk.governance.forgive(desk.actor, user_id)
    return _("Forgot {used} that {member} had used today.").format(used=listed(_used(had)), member=mention(user_id))


def _require_guild(desk: Desk) -> None:
    if desk.guild_id == EVERYWHERE:
        raise Refusal(_("Quotas are counted by server; name one with --guild."))
