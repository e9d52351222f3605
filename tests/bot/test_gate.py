"""Who is let in: bans and their ends, time on the server, closed channels, and the caps a job gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.gate import Gate
from bot.ledger.allowance import Allowance, Usage
from bot.ledger.audit import EVERYWHERE, Actor
from bot.ledger.job import Caps
from bot.ledger.ledger import Ledger
from bot.ledger.rows import now
from bot.ledger.rules import Document, Scope
from bot.policy import Applicant, Demand
from bot.refusal import Refusal
from bot.verdicts import left_today

ADMIN = Actor(5, 1)
LUNA = Applicant(user_id=7, guild_id=1, channel_id=30, role_ids=frozenset({1, 20}), joined_at=now())
WISH = Demand(model="sample", megapixels=1, steps=4, count=1, references=0)


@pytest.fixture
def gate(ledger: Ledger) -> Gate:
    """A gate whose operator lets ten jobs wait and two run."""
    return Gate(ledger.governance, Caps(10, 200), running=2)


async def put(ledger: Ledger, scope: Scope, subject: int, document: Document, guild_id: int = 1) -> None:
    """Make a rule."""
    await ledger.governance.change(Actor(5, guild_id), "test", (scope, subject), lambda _: document)


async def test_a_banned_member_reads_why_and_until_when(ledger: Ledger, gate: Gate) -> None:
    """A ban of this server or of the operator keeps out, with its reason; one of another server does not."""
    await ledger.governance.ban(Actor(5, 2), 7, "elsewhere", None)
    await gate.enter(LUNA)
    until = now() + timedelta(hours=1)
    await ledger.governance.ban(ADMIN, 7, "spam *and* worse", until)
    with pytest.raises(Refusal, match=rf"from drawing on this server: spam .*<t:{int(until.timestamp())}:R>"):
        await gate.admit(LUNA, WISH)
    await ledger.governance.ban(Actor(0, EVERYWHERE), 7, "", None)
    with pytest.raises(Refusal, match="from this bot: no reason was given; this ban has no end"):
        await gate.enter(LUNA)
    await gate.enter(replace(LUNA, user_id=8))


async def test_a_ban_ends_by_itself_and_by_unban(ledger: Ledger, gate: Gate) -> None:
    """A ban past its end is none any more, and lifting one says whether there was one."""
    await ledger.governance.ban(ADMIN, 7, "spam", now() - timedelta(seconds=1))
    await gate.enter(LUNA)
    assert await ledger.governance.bans(1) == []
    assert await ledger.governance.unban(ADMIN, 7) is None
    await ledger.governance.ban(ADMIN, 7, "spam", None)
    lifted = await ledger.governance.unban(ADMIN, 7)
    assert lifted is not None
    assert lifted.reason == "spam"
    await gate.enter(LUNA)


async def test_newcomers_wait(ledger: Ledger, gate: Gate) -> None:
    """Whoever has not been here long enough reads when they will have."""
    await put(ledger, Scope.ROLE, 1, {"days_on_server": 7})
    with pytest.raises(Refusal, match=r"for 7 days; for you that is <t:\d+:R>"):
        await gate.enter(LUNA)
    await gate.enter(replace(LUNA, joined_at=now() - timedelta(days=8)))
    with pytest.raises(Refusal):
        await gate.enter(replace(LUNA, joined_at=None))


async def test_a_closed_channel_is_said(ledger: Ledger, gate: Gate) -> None:
    """A denied channel refuses everybody."""
    await put(ledger, Scope.CHANNEL, 30, {"access": "deny"})
    with pytest.raises(Refusal, match="not drawn in this channel"):
        await gate.enter(LUNA)


async def test_rules_tighten_the_operators_caps_and_never_widen_them(ledger: Ledger, gate: Gate) -> None:
    """A role may let fewer jobs wait and run than the settings, not more."""
    await put(ledger, Scope.ROLE, 20, {"waiting": 3, "running": 1, "pictures_per_day": 9, "priority": 1})
    terms, caps = await gate.admit(LUNA, WISH)
    assert (caps.per_member, caps.per_guild, caps.running) == (3, 200, 1)
    assert caps.allowance == Allowance(pictures_per_day=9)
    assert terms.role.priority == 1
    await put(ledger, Scope.ROLE, 20, {"waiting": 500, "running": 50})
    _, caps = await gate.admit(LUNA, WISH)
    assert (caps.per_member, caps.running) == (10, 2)


async def test_the_channels_default_model_goes_before_the_servers_and_the_operators(ledger: Ledger, gate: Gate) -> None:
    """Known without asking once the rules were looked at."""
    await put(ledger, Scope.GUILD, 0, {"default_model": "dev"}, guild_id=EVERYWHERE)
    outside = replace(LUNA, guild_id=None)
    assert gate.default_model(LUNA) is None
    await gate.enter(LUNA)
    assert (gate.default_model(LUNA), gate.default_model(outside)) == ("dev", "dev")
    await put(ledger, Scope.GUILD, 0, {"default_model": "klein-9b"})
    await gate.enter(LUNA)
    assert gate.default_model(LUNA) == "klein-9b"
    await put(ledger, Scope.CHANNEL, LUNA.channel_id, {"default_model": "klein-4b"})
    await gate.enter(LUNA)
    assert gate.default_model(LUNA) == "klein-4b"
    assert gate.default_model(replace(LUNA, channel_id=99)) == "klein-9b"


async def test_every_change_is_in_the_audit_log_with_before_and_after(ledger: Ledger) -> None:
    """Rules, bans and resets leave a row each; a change that changes nothing leaves none."""
    governance = ledger.governance
    await put(ledger, Scope.GUILD, 0, {"steps": 20})
    await put(ledger, Scope.GUILD, 0, {"steps": 20})
    await put(ledger, Scope.GUILD, 0, {})
    await governance.ban(ADMIN, 7, "spam", None)
    await governance.unban(ADMIN, 7)
    await governance.forgive(ADMIN, 7)
    deeds = [(deed.action, deed.target, deed.before, deed.after) for deed in await governance.deeds(1)]
    ban = {"reason": "spam", "expires_at": None}
    none = {"gpu_ms": 0, "pictures": 0}
    assert deeds == [
        ("quota reset", "7", none, none),
        ("unban", "7", ban, None),
        ("ban", "7", None, ban),
        ("test", "guild", {"steps": 20}, None),
        ("test", "guild", None, {"steps": 20}),
    ]
    assert {deed.actor_id for deed in await governance.deeds(1)} == {5}
    assert await governance.deeds(2) == []
    assert len(await governance.deeds(EVERYWHERE, action="ban")) == 1


def test_what_is_left_of_a_day_is_said() -> None:
    """Both figures, never below zero; nothing where nothing is counted."""
    assert left_today(Allowance(), Usage(5, 5)) == ""
    text = left_today(Allowance(pictures_per_day=10, gpu_seconds_per_day=60), Usage(61_000, 3))
    assert text.startswith("Left for today: 7 of 10 pictures and 0 of 60 GPU-seconds; all of it again <t:")
