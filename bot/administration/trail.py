"""The audit log, to read page by page and to take away as a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bot.administration.desk import Desk, Listing, mention
from bot.administration.ruling import worded
from bot.language import _
from bot.ledger.audit import EVERYWHERE, Deed
from bot.ledger.rules import Scope
from bot.presenter import plain, shorten

_SHOWN = 500
_EXPORTED = 100_000
_MEMBER, _ROLE, _CHANNEL = "<@{}>", "<@&{}>", "<#{}>"
_MARKS = {
    "ban": _MEMBER,
    "unban": _MEMBER,
    "quota": _MEMBER,
    "roles": _ROLE,
    "channels": _CHANNEL,
    "limits": _CHANNEL,
    "safety": _CHANNEL,
}
"""What a number is, by the first word of the deed."""


async def actions(desk: Desk) -> list[str]:
    """Every kind of deed that was done."""
    return await desk.governance.actions(desk.guild_id)


async def search(desk: Desk, actor_id: int | None, about_id: int | None, action: str | None) -> Listing:
    """The newest deeds first: of one member, about one; `action` is the beginning of one, such as ban or quota."""
    deeds = await desk.governance.deeds(
        desk.guild_id, actor_id=actor_id, about_id=about_id, action=action, limit=_SHOWN
    )
    lines = tuple(_line(deed, is_of_many=desk.guild_id == EVERYWHERE) for deed in deeds)
    if len(lines) == _SHOWN:
        lines += (_("Older ones stand in /admin audit export."),)
    return Listing(_("Audit log, newest first"), lines, _("Nothing like that was done."))


def _line(deed: Deed, *, is_of_many: bool) -> str:
    """`is_of_many`: beside the deeds of other servers."""
    when = f"<t:{int(deed.at.timestamp())}:R>"
    target = f" {_target(deed)}" if deed.target else ""
    if is_of_many and deed.guild_id != EVERYWHERE:
        target += " " + _("(server {id})").format(id=deed.guild_id)
    return f"{when} {mention(deed.actor_id)} **{deed.action}**{target}{_change(deed)}"


def _target(deed: Deed) -> str:
    """Members, roles and channels as Discord shows them, everything else as it is."""
    if deed.target == Scope.GUILD:
        return _("every server") if deed.guild_id == EVERYWHERE else _("this server")
    mark = _MARKS.get(deed.action.partition(" ")[0])
    if mark is None or not deed.target.isdigit():
        return plain(deed.target, 60)
    return _("everyone") if mark == _ROLE and deed.target == str(deed.guild_id) else mark.format(deed.target)


def _change(deed: Deed) -> str:
    both = (deed.before, deed.after)
    if all(isinstance(side, dict) for side in both):
        both = (_less(deed.before, deed.after), _less(deed.after, deed.before))
    sides = [_side(side) for side in both]
    return "" if sides == ["–", "–"] else f": {sides[0]} → {sides[1]}"


def _less(side: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """What one side has and the other has not, of lists too."""
    differing = {name: value for name, value in side.items() if value != other.get(name)}
    for name, value in differing.items():
        if isinstance(value, list) and isinstance(other.get(name), list):
            differing[name] = [one for one in value if one not in other[name]] or None
    return differing or None


def _side(value: object) -> str:
    if value is None:
        return "–"
    text = worded(value) if isinstance(value, dict) else plain(str(value), 120)
    return shorten(text, 160)


async def export(desk: Desk) -> bytes:
    """The whole log of this server as JSON lines, the newest first. Taking it away is a deed too."""
    deeds = await desk.governance.deeds(desk.guild_id, limit=_EXPORTED)
    await desk.note("audit export", after={"rows": len(deeds)})
    # Off the loop: of years of deeds it is tens of megabytes.
    return await asyncio.to_thread(_as_lines, deeds)


def _as_lines(deeds: Iterable[Deed]) -> bytes:
    return "".join(json.dumps(asdict(deed), default=str, ensure_ascii=False) + "\n" for deed in deeds).encode()
