"""The moments members are told to expect their pictures at."""

from bot.estimates import Estimates

NOW = 1_764_113_000.0


def test_a_moment_stands_until_it_is_noticeably_wrong() -> None:
    """As time goes by and estimates tremble the same moment is told, so that no edit is due; a real shift is told."""
    estimates = Estimates()
    told = estimates.moment("a", 100, NOW)
    assert told == NOW + 100
    for passed, tremor in ((1, 0), (20, 14), (60, -9)):
        assert estimates.moment("a", 100 - passed + tremor, NOW + passed) == told
    assert estimates.moment("a", 60, NOW + 65) == NOW + 125
    assert estimates.moment("a", 15, NOW + 66) == NOW + 81


def test_no_moment_is_told_that_passes_before_the_next_look() -> None:
    """The last seconds are told in words; a job that should be done and is not gets a new moment."""
    estimates = Estimates()
    assert estimates.moment("a", 14, NOW) is None
    assert estimates.moment("b", 30, NOW) == NOW + 30
    assert estimates.moment("b", 12, NOW + 18) is None
    assert estimates.moment("b", 40, NOW + 31) == NOW + 71
    assert estimates.moment("c", None, NOW) is None


def test_what_waits_no_more_is_forgotten() -> None:
    """The memory is as large as the queue; a job that returns to it is estimated anew."""
    estimates = Estimates()
    estimates.moment("a", 100, NOW)
    estimates.moment("b", 100, NOW)
    estimates.keep({"b"})
    assert estimates.moment("a", 105, NOW) == NOW + 105
    assert estimates.moment("b", 105, NOW) == NOW + 100
