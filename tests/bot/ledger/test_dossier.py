"""What a member's own copy holds."""

from __future__ import annotations

from bot.ledger.audit import REPORT, Actor
from bot.ledger.ledger import Ledger

LUNA, MAX, GUILD = 100_000_000_000_000_001, 100_000_000_000_000_002, 7


async def test_who_reported_a_picture_stands_in_no_copy_but_their_own(ledger: Ledger) -> None:
    """Whose picture it was learns that it was reported, and not by whom."""
    await ledger.governance.record(Actor(MAX, GUILD), REPORT, "f" * 16, after={"user_id": LUNA})
    reported, reporter = [(await ledger.forgetting.dossier(one))["audit"] for one in (LUNA, MAX)]
    assert [row["action"] for row in reported] == [REPORT]
    assert str(MAX) not in str(reported)
    assert [row["actor_id"] for row in reporter] == [MAX]
