"""What a server decides about its pictures beside the operator's screens: shown, changed, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.administration import ruling
from bot.administration.desk import Desk, Listing
from bot.language import N_, _
from bot.ledger.audit import EVERYWHERE
from bot.ledger.rules import Document, Key, Scope
from bot.policy import GuildRule, Safety
from bot.refusal import Refusal

_OF_SERVER = frozenset({"reports_channel", "age_restricted_only"})
_FIELDS = frozenset(Safety.model_fields) | _OF_SERVER
_WORDS = 10
"""Denied words on a line."""
_NOTHING = N_("Nothing was decided here; what the operator screens by holds, and a server's choices only add to it.")


async def show(desk: Desk) -> Listing:
    """What was decided for the server and for channels of its own."""
    rules = await desk.governance.rules(desk.guild_id)
    lines = [
        line
        for key, document in sorted(rules.items(), key=lambda item: item[0][0] is not Scope.GUILD)
        if key[0] in (Scope.GUILD, Scope.CHANNEL) and (decided := _of_safety(document))
        for line in _lines(ruling.whom(desk, key), decided)
    ]
    said = await _operators(desk)
    return Listing(_("What may be drawn"), (*said, *(lines or (_(_NOTHING),))), _(_NOTHING))


def _lines(whom: str, decided: Document) -> list[str]:
    """What was decided; many words on lines of their own, none of them cut."""
    denied = decided.get("denied_words", ())
    if len(denied) <= _WORDS:
        return [f"{whom}: {ruling.worded(decided)}"]
    rest = {name: value for name, value in decided.items() if name != "denied_words"}
    parts = [denied[start : start + _WORDS] for start in range(0, len(denied), _WORDS)]
    said = [f"{whom}: {ruling.worded({'denied_words': part})}" for part in parts]
    return [f"{whom}: {ruling.worded(rest)}", *said] if rest else said


async def _operators(desk: Desk) -> list[str]:
    """What every worker that draws screens with; nothing where none says."""
    told = [set(beat.screens) for beat in await desk.fleet.workers() if beat.role == "gpu" and beat.screens is not None]
    if not told:
        return []
    common = ", ".join(sorted(set.intersection(*told))) or _("nothing")
    return [_("every worker screens by: {screens}").format(screens=common)]


async def change(desk: Desk, channel_id: int | None, given: Mapping[str, Any]) -> str:
    """Set what is given for the server, or for one channel. Raises Refusal for what only a server has."""
    wanted = {name: value for name, value in given.items() if value is not None}
    if channel_id is not None and (odd := sorted(_OF_SERVER & set(wanted))):
        raise Refusal(
            _("{name} is the whole server's; leave the channel out.").format(name=odd[0].replace("_", " ").capitalize())
        )
    if isinstance(wanted.get("reports_channel"), int) and desk.guild_id == EVERYWHERE:
        raise Refusal(_("Each server has a channel for reports of its own; name the server with --guild."))
    if wanted.get("question"):
        await _require_somebody_to_ask(desk)
    return await ruling.change(desk, "safety set", _key(channel_id), wanted)


async def clear(desk: Desk, channel_id: int | None) -> str:
    """Forget what was decided for the server, or for one channel; the reports channel is kept."""
    kept = {"reports_channel"}

    def revise(former: Document) -> Document:
        return {name: value for name, value in former.items() if name not in _FIELDS - kept}

    ruling.require_server(desk, _key(channel_id)[0])
    before, after = await desk.governance.change(desk.actor, "safety clear", _key(channel_id), revise)
    if before == after:
        raise Refusal(_("Nothing was decided there, so there is nothing to remove."))
    return _("Removed; it was: {rule}.").format(rule=ruling.worded(_of_safety(before)))


Revision = Callable[[Sequence[str] | None], list[str]]


def words(typed: str | None) -> list[str] | Revision | None:
    """Phrases with commas between them; `none` is no word, + before each adds them and - takes them away."""
    if typed is None:
        return None
    found = list(dict.fromkeys(word.strip().casefold() for word in typed.split(",") if word.strip()))
    if found and all(word[0] in "+-" and len(word) > 1 for word in found):
        return lambda former: _revised(former or (), found)
    return [] if found == ["none"] else found


def _revised(former: Sequence[str], changes: Sequence[str]) -> list[str]:
    gone = {word[1:].strip() for word in changes if word[0] == "-"}
    added = [word[1:].strip() for word in changes if word[0] == "+"]
    return list(dict.fromkeys(word for word in (*former, *added) if word not in gone))


def _key(channel_id: int | None) -> Key:
    return (Scope.GUILD, 0) if channel_id is None else (Scope.CHANNEL, channel_id)


def _of_safety(document: Document) -> Document:
    return {name: value for name, value in document.items() if name in _FIELDS and name in GuildRule.model_fields}


async def _require_somebody_to_ask(desk: Desk) -> None:
    """Where no model that is served can answer, the question would end every picture."""
    served = await desk.fleet.models()
    if served and not any(model.can_rewrite for model in served.values()):
        raise Refusal(_("No model that is served here can be asked about prompts: every picture would be refused."))
