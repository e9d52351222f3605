"""What governing says to members."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.ledger.allowance import Allowance, Limit, QuotaReached, Usage
from bot.verdicts import left_today, quota_refusal

TOMORROW = datetime(2026, 11, 27, tzinfo=UTC)
FREES = f"it frees up <t:{int(TOMORROW.timestamp()) + 1}:R>."


@pytest.mark.parametrize(
    ("limit", "used", "wanted", "most", "said"),
    [
        ("pictures", 2, 1, 2, f"You have used 2 of 2 pictures for today; {FREES}"),
        ("pictures", 1, 2, 2, f"You have used 1 of 2 pictures for today, and this asks for 2; {FREES}"),
        ("pictures", 0, 4, 2, "This asks for 4 pictures, and you may have 2 a day; ask for fewer."),
        ("pictures", 3, 1, 0, "The admins of this server let nothing be drawn for you; ask one of them"),
        (
            "gpu_seconds",
            10,
            200,
            100,
            "This takes about 200 GPU-seconds, and you may have 100 a day; ask for a smaller",
        ),
        ("gpu_seconds", 90, 20, 100, "You have used 90 of 100 GPU-seconds for today, and this takes about 20"),
    ],
)
def test_a_quota_is_refused_by_what_would_help(
    limit: Limit, used: float, wanted: float, most: float, said: str
) -> None:
    """To wait, to ask for less where no day is enough, or to ask an admin where there is nothing to wait for."""
    reached = QuotaReached(limit, used=used, wanted=wanted, most=most, frees_at=TOMORROW)
    assert str(quota_refusal(reached)).startswith(said)


def test_what_is_left_of_nothing_is_not_counted() -> None:
    """Zero of zero pictures would come again tomorrow."""
    assert left_today(Allowance(), Usage()) == ""
    assert left_today(Allowance(pictures_per_day=0), Usage(pictures=2)).startswith("The admins of this server")
    assert left_today(Allowance(pictures_per_day=5), Usage(pictures=2)).startswith("Left for today: 3 of 5 pictures;")
