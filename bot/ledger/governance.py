"""The ledger's room for governing: rules, bans, quotas and the audit log. Every change is one transaction with its row.

Shares the database of `bot.ledger.ledger`. Declines to know Discord, and what a rule means (bot/policy.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.ledger import audit, bans, facts, measures, quota, rules
from bot.ledger.allowance import Usage
from bot.ledger.audit import EVERYWHERE, Actor, Deed
from bot.ledger.bans import Ban
from bot.ledger.database import Database
from bot.ledger.facts import Pause
from bot.ledger.rows import now
from bot.ledger.rules import Document, Key
from bot.shared_look import SharedLook

_FRESH_S = 5.0
"""How long rules are believed: somebody at a terminal changes them behind this process's back."""

_GLANCE_S = 1.0
"""The same for what is asked before a command is answered; who is admitted is asked about anew."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Hindrances:
    """What keeps members from drawing: a drain keeps all, a ban keeps one."""

    drain: Pause | None
    bans: tuple[Ban, ...]

    def ban_of(self, user_id: int, guild_id: int | None) -> Ban | None:
        """The ban that keeps a member from drawing there, the operator's first."""
        here = (EVERYWHERE, guild_id or EVERYWHERE)
        return next((ban for ban in self.bans if ban.user_id == user_id and ban.guild_id in here), None)


def _hindrances(connection: Connection) -> Hindrances:
    return Hindrances(facts.drain(connection), tuple(bans.all_in_force(connection)))


class Governance:
    """The rules of every server of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rules: dict[int, tuple[float, dict[Key, Document]]] = {}
        self._rule_looks: dict[int, SharedLook[dict[Key, Document]]] = {}
        self._hindrances: tuple[float, Hindrances] | None = None
        self._look = SharedLook(lambda: database.read(_hindrances))

    async def rules(self, guild_id: int) -> dict[Key, Document]:
        """Every rule of one server, at most some seconds old; EVERYWHERE has the operator's."""
        kept = self._rules.get(guild_id)
        if kept is None or time.monotonic() - kept[0] > _FRESH_S:
            found = await self._look_at_rules(guild_id)()
            kept = self._rules[guild_id] = (time.monotonic(), found)
        return kept[1]

    def _look_at_rules(self, guild_id: int) -> SharedLook[dict[Key, Document]]:
        if guild_id not in self._rule_looks:
            self._rule_looks[guild_id] = SharedLook(
                lambda: self._database.read(lambda connection: rules.of_guild(connection, guild_id))
            )
        return self._rule_looks[guild_id]

    async def hindrances(self) -> Hindrances:
        """Whatever keeps anybody from drawing, at most a second old: a rush of members asks the ledger once."""
        kept = self._hindrances
        if kept is None or time.monotonic() - kept[0] > _GLANCE_S:
            kept = self._hindrances = (time.monotonic(), await self._look())
        return kept[1]

    def known(self, guild_id: int) -> dict[Key, Document]:
        """The same without asking: as it was at the last look, nothing before the first."""
        kept = self._rules.get(guild_id)
        return {} if kept is None else kept[1]

    async def change(
        self, actor: Actor, action: str, key: Key, revise: Callable[[Document], Mapping[str, Any]]
    ) -> tuple[Document, Document]:
        """Put `revise(former)` in the place of a rule, and return both. What `revise` raises changes nothing."""

        def work(connection: Connection) -> tuple[Document, Document]:
            former = rules.of_guild(connection, actor.guild_id).get(key, {})
            revised = dict(revise(dict(former)))
            if revised != former:
                rules.put(connection, actor, key, revised)
                target = key[1] or key[0]
                audit.record(connection, actor, action, target, former or None, revised or None)
            return former, revised

        try:
            return await self._database.write(work)
        finally:
            self._rules.pop(actor.guild_id, None)

    async def ban(self, actor: Actor, user_id: int, reason: str, expires_at: datetime | None) -> Ban | None:
        """Keep a member from drawing; return the ban this one replaces."""

        def work(connection: Connection) -> Ban | None:
            former = bans.set_ban(connection, actor, user_id, reason, expires_at)
            new = bans.in_force(connection, user_id, actor.guild_id)
            audit.record(connection, actor, "ban", user_id, former and former.document, new.document if new else None)
            return former

        return await self._hindering(work)

    async def unban(self, actor: Actor, user_id: int) -> Ban | None:
        """Let a member draw again; return the ban that was in force, if any."""

        def work(connection: Connection) -> Ban | None:
            former = bans.lift(connection, actor.guild_id, user_id)
            if former is not None:
                audit.record(connection, actor, "unban", user_id, former.document)
            return former

        return await self._hindering(work)

    async def ban_of(self, user_id: int, guild_id: int | None) -> Ban | None:
        """The ban that keeps a member from drawing there."""
        return await self._database.read(lambda connection: bans.in_force(connection, user_id, guild_id))

    async def bans(self, guild_id: int) -> list[Ban]:
        """Bans in force in one server; EVERYWHERE has the operator's."""
        return await self._database.read(lambda connection: bans.listed(connection, guild_id))

    async def usage(self, guild_id: int | None, user_id: int) -> Usage:
        """What a member has used today in one server, or in direct messages."""
        day = quota.today(now())
        return await self._database.read(lambda it: quota.used(it, guild_id or EVERYWHERE, user_id, day))

    async def heaviest(self, guild_id: int) -> list[tuple[int, Usage]]:
        """Who used what today, the heaviest first."""
        return await self._database.read(lambda it: quota.leaders(it, guild_id, quota.today(now())))

    async def forgive(self, actor: Actor, user_id: int) -> Usage:
        """Forget what a member has used today; return it."""

        def work(connection: Connection) -> Usage:
            had = quota.forgive(connection, actor.guild_id, user_id, quota.today(now()))
            before = {"gpu_ms": had.gpu_ms, "pictures": had.pictures}
            audit.record(connection, actor, "quota reset", user_id, before, {"gpu_ms": 0, "pictures": 0})
            return had

        return await self._database.write(work)

    async def drain(self) -> Pause | None:
        """Why nothing new is accepted, if that is so."""
        return await self._database.read(facts.drain)

    async def set_drain(self, reason: str | None, by: int) -> None:
        """Accept nothing new for `reason`; None ends it."""
        await self._hindering(lambda connection: facts.set_drain(connection, reason, by))

    async def _hindering(self, work: Callable[[Connection], _T]) -> _T:
        try:
            return await self._database.write(work)
        finally:
            self._hindrances = None

    async def endings(self, within: timedelta) -> dict[str, int]:
        """How jobs ended lately; see `bot.ledger.measures.endings`."""
        since = now() - within
        return await self._database.read(lambda connection: measures.endings(connection, since))

    async def seconds_of_work(self, model: str) -> float | None:
        """GPU-seconds still to go for a model."""
        return await self._database.read(lambda connection: measures.seconds_of_work(connection, model))

    async def record(
        self, actor: Actor, action: str, target: object = "", before: Any = None, after: Any = None
    ) -> None:
        """Note an action that is written elsewhere, or nowhere."""
        await self._database.write(lambda connection: audit.record(connection, actor, action, target, before, after))

    async def was_removed(self, guild_id: int | None, job_id: str) -> bool:
        """Whether the moderators of a server have taken a picture away."""
        return await self._database.read(lambda it: audit.was_removed(it, guild_id or EVERYWHERE, job_id))

    async def actions(self, guild_id: int) -> list[str]:
        """What kinds of deeds the audit log of one server holds, or all of it for EVERYWHERE."""
        return await self._database.read(lambda connection: audit.actions(connection, guild_id))

    async def deeds(
        self,
        guild_id: int,
        *,
        actor_id: int | None = None,
        about_id: int | None = None,
        action: str | None = None,
        limit: int = 1000,
    ) -> list[Deed]:
        """The audit log of one server, or all of it for EVERYWHERE, the newest first."""
        return await self._database.read(
            lambda connection: audit.search(
                connection, guild_id, actor_id=actor_id, about_id=about_id, action=action, limit=limit
            )
        )
