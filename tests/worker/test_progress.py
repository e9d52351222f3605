"""Progress as events: seldom enough for Redis and Discord, complete enough for members."""

from __future__ import annotations

from redis.exceptions import ConnectionError as RedisAway

from worker.contract import Event, Progress
from worker.progress import Reporter


def test_at_most_two_a_second_and_the_last_step_always() -> None:
    """Fifty steps in five seconds become at most eleven events, the fiftieth among them."""
    said: list[Event] = []
    reporter = Reporter(said.append, "j", 1)
    for step in range(1, 51):
        reporter.step("denoise", step, 50, now=step / 10)
    assert len(said) <= 11
    assert said[-1] == Progress(job_id="j", attempt=1, phase="denoise", step=50, steps=50)


def test_the_first_word_is_said_at_once() -> None:
    """A member sees that it began without waiting half a second."""
    said: list[Event] = []
    Reporter(said.append, "j", 1).step("encode", 0, 1, now=0.0)
    assert len(said) == 1


def test_a_redis_that_is_away_costs_only_the_event() -> None:
    """Progress is a hint: its failure must not end the job."""
    tried: list[Event] = []

    def announce(event: Event) -> None:
        tried.append(event)
        raise RedisAway("gone")

    reporter = Reporter(announce, "j", 1)
    reporter.step("denoise", 1, 50, now=0.0)
    reporter.step("denoise", 2, 50, now=1.0)
    assert len(tried) == 2
