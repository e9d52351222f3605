"""Rules for roles, channels, the server and its models: shown, changed, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.administration.desk import Desk, Listing
from bot.administration.queueing import PRIORITIES
from bot.casting import taken_of
from bot.language import N_, _, listed, ngettext
from bot.ledger.audit import EVERYWHERE
from bot.ledger.rules import Document, Key, Scope
from bot.options import Options
from bot.policy import Bounds, ChannelRule, GuildRule, RolePolicy, Usual
from bot.presenter import plain
from bot.refusal import Refusal
from flux2.prompting.styles import Styles

_KINDS: dict[Scope, type[BaseModel]] = {
    Scope.ROLE: RolePolicy,
    Scope.MEMBER: RolePolicy,
    Scope.CHANNEL: ChannelRule,
    Scope.GUILD: GuildRule,
}
_LIMITS = frozenset({*Bounds.model_fields, "threads"})
_TITLES = {
    Scope.ROLE: N_("Rules by role"),
    Scope.MEMBER: N_("Rules by member"),
    Scope.CHANNEL: N_("Rules by channel"),
    Scope.GUILD: N_("Rules by server"),
}
_REASONS = {
    "too_long": N_("there may be {max_length} of them"),
    "string_too_short": N_("each needs {min_length} characters or more"),
    "string_too_long": N_("each may have {max_length} characters"),
    "greater_than": N_("it has to be more than {gt}"),
    "greater_than_equal": N_("it has to be {ge} or more"),
    "less_than": N_("it has to be less than {lt}"),
    "less_than_equal": N_("it has to be {le} or less"),
}
"""By pydantic's type of error; the rest in its own words."""
_MARKS = {Scope.ROLE: "<@&{}>", Scope.CHANNEL: "<#{}>", Scope.MEMBER: "<@{}>"}


async def show(desk: Desk, scope: Scope) -> Listing:
    """The rules of one kind."""
    rules = await desk.governance.rules(desk.guild_id)
    lines = [f"{whom(desk, key)}: {worded(document)}" for key, document in sorted(rules.items()) if key[0] is scope]
    return Listing(
        _(_TITLES[scope]),
        tuple(lines),
        _("There are no rules yet; what the operator's settings say holds."),
    )


def whom(desk: Desk, key: Key) -> str:
    """Whom a rule is for."""
    scope, subject = key
    if scope is Scope.GUILD:
        return _("every server") if desk.guild_id == EVERYWHERE else _("this server")
    return _("everyone") if scope is Scope.ROLE and subject == desk.guild_id else _MARKS[scope].format(subject)


def worded(document: Document) -> str:
    """A rule on one line."""
    parts = (f"{_named(name)} {_value(name, value)}" for name, value in document.items() if value is not None)
    return " · ".join(parts) or _("no rule")


def _named(name: str) -> str:
    return _("member") if name == "user_id" else name.removesuffix("_s").replace("_", " ")


def _value(name: str, value: Any) -> str:
    """Members, channels and moments as Discord shows them, everything else as it is."""
    if name.endswith("channel") and isinstance(value, int):
        return f"<#{value}>"
    if name == "user_id" and isinstance(value, int):
        return f"<@{value}>"
    if name.endswith("_at") and isinstance(value, str):
        return f"<t:{int(datetime.fromisoformat(value).timestamp())}:f>"
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, int | float):
        return _of_figure(name, value)
    return plain(", ".join(value), 800) if isinstance(value, list) else plain(str(value), 200)


def _of_figure(name: str, value: float) -> str:
    if name == "priority":
        return next((word for word, figure in PRIORITIES.items() if figure == value), f"{value}")
    return f"{value:g} s" if name.endswith("_s") else f"{value:g}"


async def change(desk: Desk, action: str, key: Key, given: Mapping[str, Any]) -> str:
    """Set what is given, keep the rest; a function revises what was there.

    Raises Refusal for a figure nobody could mean, and where nothing is given.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        raise Refusal(_("Nothing was given to change; name at least one option."))
    require_server(desk, key[0])
    fields = _KINDS[key[0]].model_fields
    if odd := next((name for name in wanted if name not in fields), None):
        raise Refusal(
            _("There is no {name} in such a rule; name one of {known}.").format(
                name=plain(odd, 60), known=", ".join(map(_named, fields))
            )
        )
    named = wanted.get("models")
    unserved = set(named).difference(await desk.fleet.models()) if isinstance(named, list) and named else set()

    def revise(former: Document) -> Document:
        revised = {**former, **{name: _anew(value, former.get(name)) for name, value in wanted.items()}}
        if revised.get("models") == []:
            del revised["models"]
        return checked(key[0], revised)

    _former, after = await desk.governance.change(desk.actor, action, key, revise)
    said = _("Set for {name}: {rule}.").format(name=whom(desk, key), rule=worded(after))
    if not unserved:
        return said
    names = listed([plain(name, 60) for name in sorted(unserved)])
    return f"{said} " + _(
        "No worker serves {names} now; /admin model list has the names of those that are served."
    ).format(names=names)


def forgotten(name: str | None) -> dict[str, Callable[[Any], None]]:
    """What takes one figure of a rule back, for `change`."""
    return {} if name is None else {name: lambda _former: None}


def _anew(value: Any, former: Any) -> Any:
    return value(former) if callable(value) else value


def require_server(desk: Desk, scope: Scope) -> None:
    """Refuse at the terminal what would lie where nobody looks for it."""
    if desk.guild_id == EVERYWHERE and scope is not Scope.GUILD:
        raise Refusal(_("Roles and channels belong to a server; name it with --guild."))


async def clear(desk: Desk, action: str, key: Key) -> str:
    """Remove a rule."""
    require_server(desk, key[0])
    before, _after = await desk.governance.change(desk.actor, action, key, lambda _: {})
    if not before:
        raise Refusal(_("There is no rule for {name}.").format(name=whom(desk, key)))
    return _("Removed the rule for {name}; it was: {rule}.").format(name=whom(desk, key), rule=worded(before))


async def clear_limits(desk: Desk) -> str:
    """Remove a server's limits; which models are drawn with is kept."""

    def revise(former: Document) -> Document:
        return {name: value for name, value in former.items() if name not in _LIMITS}

    before, after = await desk.governance.change(desk.actor, "limits clear", (Scope.GUILD, 0), revise)
    if before == after:
        raise Refusal(_("There are no limits to remove."))
    return _("Removed; it was: {rule}.").format(rule=worded(before))


def model_names(typed: str | None) -> list[str] | None:
    """Names with commas between them; `all` is no limit."""
    if typed is None:
        return None
    names = [name.strip() for name in typed.split(",") if name.strip()]
    return [] if names == ["all"] else names


async def enable_model(desk: Desk, model: str, *, enabled: bool) -> str:
    """Let members draw with a model, or not."""

    def revise(former: Document) -> Document:
        off = set(former.get("disabled_models", ()))
        off = off - {model} if enabled else off | {model}
        revised = {**former, "disabled_models": sorted(off)}
        return {name: value for name, value in revised.items() if value != []}

    word, served = "enable" if enabled else "disable", await desk.fleet.models()
    before, after = await desk.governance.change(desk.actor, f"model {word}", (Scope.GUILD, 0), revise)
    said = _("Members may draw with {model} here.") if enabled else _("Members may no longer draw with {model} here.")
    said = said.format(model=plain(model, 60))
    if model not in served:
        said += " " + _("No worker serves it now; /admin model list has the names of those that are served.")
    return said if before != after else said + " " + _("That was so before.")


async def default_model(desk: Desk, model: str) -> str:
    """What members draw with who name no model."""
    await _require_served(desk, model)
    document = {"default_model": model}
    await desk.governance.change(desk.actor, "model default", (Scope.GUILD, 0), lambda former: {**former, **document})
    return _("Whoever names no model draws with {model} here, as long as a worker serves it.").format(
        model=plain(model, 60)
    )


async def usual(desk: Desk, channel_id: int | None, given: Mapping[str, Any], known: Styles, *, reset: bool) -> str:
    """Set what commands take where they leave an option out, on the server or in one channel; `reset` forgets first.

    Raises Refusal and InvalidRequest for what no model here could draw.
    """
    wanted = {f"default_{name}": value for name, value in given.items() if value is not None}
    if not wanted and not reset:
        raise Refusal(_("Nothing was given to change; name at least one option."))
    key = (Scope.GUILD, 0) if channel_id is None else (Scope.CHANNEL, channel_id)
    require_server(desk, key[0])
    served = await desk.fleet.models()
    if model := given.get("model"):
        await _require_served(desk, model)

    def revise(former: Document) -> Document:
        kept = {name: value for name, value in former.items() if not (reset and name in Usual.model_fields)}
        revised = checked(key[0], {**kept, **wanted})
        taken = Usual.model_validate(revised)
        draws = served.get(taken.default_model or "") or next(iter(served.values()), None)
        wish = taken_of(taken).under(Options(prompt="x"), known)
        if draws is not None:
            wish.settle(draws)
        return revised

    _former, after = await desk.governance.change(desk.actor, "channels defaults", key, revise)
    rule = worded({name: value for name, value in after.items() if name in Usual.model_fields})
    return _("Set for {name}: {rule}.").format(name=whom(desk, key), rule=rule)


async def models(desk: Desk) -> Listing:
    """Models that are served or ruled on, and what holds for each here."""
    rule = GuildRule.model_validate((await desk.governance.rules(desk.guild_id)).get((Scope.GUILD, 0), {}))
    gpus, served = await desk.fleet.gpus_by_model(), await desk.fleet.models()
    lines = []
    for name in sorted({*served, *rule.disabled_models, *filter(None, (rule.default_model,))}):
        marks = [ngettext("{count} GPU", "{count} GPUs", gpus.get(name, 0)).format(count=gpus.get(name, 0))]
        marks += [_("default")] if name == rule.default_model else []
        marks += [_("disabled")] if name in rule.disabled_models else []
        lines.append(f"**{plain(name, 60)}** · {' · '.join(marks)}")
    return Listing(_("Models"), tuple(lines), _("No worker serves a model."))


async def _require_served(desk: Desk, model: str) -> None:
    served = await desk.fleet.models()
    if model not in served:
        known = ", ".join(plain(name, 60) for name in sorted(served)) or _("none")
        raise Refusal(_("No worker serves “{model}”; served are: {known}.").format(model=plain(model, 60), known=known))


def checked(scope: Scope, document: Document) -> Document:
    """The document without what says nothing. Raises Refusal for a figure nobody could mean."""
    try:
        return _KINDS[scope].model_validate(document).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).replace("_", " ")
        said = _REASONS.get(first["type"])
        reason = first["msg"].lower() if said is None else _(said).format(**first.get("ctx", {}))
        raise Refusal(_("That value for {name} cannot be: {reason}.").format(name=name, reason=reason)) from error
