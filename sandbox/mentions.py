"""Who a text mentions and who of them may be pinged: Discord's `allowed_mentions`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox import limits
from sandbox.wire import Form, Json, snowflake_or_none

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(?:everyone|here)\b")
_PARSE = ("users", "roles", "everyone")


@dataclass(frozen=True)
class Allowed:
    """What a sender lets a text ping. None for a kind: everybody of that kind."""

    users: frozenset[int] | None = None
    roles: frozenset[int] | None = None
    everyone: bool = True
    replied_user: bool = True


ANYBODY = Allowed()
"""Default of ordinary messages."""
USERS_ONLY = Allowed(roles=frozenset(), everyone=False)
"""Default of answers to interactions."""


@dataclass
class Mentioned:
    """What a text pings once the sender's wishes are applied."""

    user_ids: list[int] = field(default_factory=list)
    role_ids: list[int] = field(default_factory=list)
    everyone: bool = False


def check(form: Form, path: str, given: object) -> None:
    """Note what is wrong with an `allowed_mentions`."""
    if given is None:
        return
    if not isinstance(given, dict):
        form.refuse(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return
    parse = given.get("parse") or []
    for index, kind in enumerate(parse):
        if kind not in _PARSE:
            message = "Value must be one of ('users', 'everyone', 'roles')."
            form.refuse(f"{path}.parse.{index}", "BASE_TYPE_CHOICES", message)
    for kind in ("users", "roles"):
        ids = given.get(kind) or []
        form.length(f"{path}.{kind}", len(ids), limits.MENTION_IDS)
        if ids and kind in parse:
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            form.refuse(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


def allowed(given: Json | None, default: Allowed) -> Allowed:
    """The sender's wishes; `default` where none were given."""
    if given is None:
        return default
    parse = given.get("parse") or []
    return Allowed(
        users=None if "users" in parse else _ids(given.get("users")),
        roles=None if "roles" in parse else _ids(given.get("roles")),
        everyone="everyone" in parse,
        replied_user=bool(given.get("replied_user")),
    )


def _ids(values: object) -> frozenset[int]:
    found = [snowflake_or_none(value) for value in values] if isinstance(values, list) else []
    return frozenset(value for value in found if value is not None)


def find(text: str, wishes: Allowed, mentionable_roles: Mapping[int, bool]) -> Mentioned:
    """Mentions in a text that ping; `mentionable_roles` says of each role whether this sender may ping it."""
    users = dict.fromkeys(int(user) for user in _USER.findall(text))
    roles = dict.fromkeys(int(role) for role in _ROLE.findall(text))
    return Mentioned(
        user_ids=[user for user in users if wishes.users is None or user in wishes.users],
        role_ids=[
            role for role in roles if mentionable_roles.get(role) and (wishes.roles is None or role in wishes.roles)
        ],
        everyone=wishes.everyone and bool(_EVERYONE.search(text)),
    )
