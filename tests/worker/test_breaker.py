"""Is it the job or the GPU?"""

from __future__ import annotations

from worker.breaker import Breaker


def test_one_job_never_opens_it() -> None:
    """Poison kills its child each time; that is the job's fault."""
    breaker = Breaker()
    for second in range(10):
        breaker.died("a", second)
    assert not breaker.is_open


def test_three_jobs_within_ten_minutes_open_it_for_good() -> None:
    """The third different job says that it is the device, and time alone does not mend it."""
    breaker = Breaker()
    breaker.died("a", 0)
    breaker.died("b", 300)
    assert not breaker.is_open
    breaker.died("c", 599)
    assert breaker.is_open
    breaker.died("a", 100_000)
    assert breaker.is_open


def test_deaths_far_apart_do_not_add_up() -> None:
    """Three in an hour are bad luck."""
    breaker = Breaker()
    for number, job in enumerate("abcd"):
        breaker.died(job, number * 1200)
    assert not breaker.is_open


def test_deaths_over_no_job_count_each() -> None:
    """A model that cannot be loaded is not tried for ever."""
    breaker = Breaker()
    for second in range(3):
        assert not breaker.is_open
        breaker.died(None, second)
    assert breaker.is_open
