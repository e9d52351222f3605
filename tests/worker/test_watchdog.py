"""When silence means a hang."""

from __future__ import annotations

from worker.watchdog import Limits, LoadWatch, RunWatch

LIMITS = Limits(load_s=120, phase_s=60, step_s=30)


def test_a_load_lives_as_long_as_bytes_come() -> None:
    """Minutes of loading are fine while the figure grows; the limit counts from the last new byte."""
    watch = LoadWatch(LIMITS, now=0)
    for minute in range(1, 10):
        watch.heard(minute * 10**9, now=minute * 60.0)
        assert not watch.is_stalled(minute * 60.0 + 119)
    assert watch.is_stalled(9 * 60.0 + 121)


def test_fewer_bytes_than_before_are_no_news() -> None:
    """Pages given back and read again do not keep a hung load alive."""
    watch = LoadWatch(LIMITS, now=0)
    watch.heard(1000, now=1)
    for second in range(2, 122):
        watch.heard(1000 - second % 7, now=second)
    assert watch.is_stalled(122)


def test_every_phase_but_denoising_has_the_phase_limit() -> None:
    """Nothing said yet, encoding, decoding and saving each get phase_s."""
    watch = RunWatch(LIMITS, now=0)
    assert watch.limit_s == 60
    for phase in ("references", "encode", "decode", "save"):
        watch.heard(phase, 0, 1, now=1)  # type: ignore[arg-type]
        assert not watch.is_stalled(61)
        assert watch.is_stalled(62)


def test_the_first_step_may_take_a_phase() -> None:
    """Kernels are compiled in it; afterwards the step limit holds."""
    watch = RunWatch(LIMITS, now=0)
    watch.heard("denoise", 0, 50, now=0)
    assert watch.limit_s == 60
    watch.heard("denoise", 1, 50, now=50)
    watch.heard("denoise", 2, 50, now=51)
    assert watch.limit_s == 30


def test_slow_steps_raise_the_limit_to_ten_medians() -> None:
    """A card that takes 8 s a step is not hung after 30; one outlier does not move the median."""
    watch = RunWatch(LIMITS, now=0)
    now = 0.0
    for step in range(1, 20):
        now += 25.0 if step == 7 else 8.0
        watch.heard("denoise", step, 50, now=now)
    assert watch.limit_s == 80
    assert not watch.is_stalled(now + 79)
    assert watch.is_stalled(now + 81)


def test_time_in_other_phases_is_not_a_step() -> None:
    """Between two pictures lies a decode; it does not count into the median."""
    watch = RunWatch(LIMITS, now=0)
    watch.heard("denoise", 1, 8, now=1)
    watch.heard("denoise", 2, 8, now=2)
    watch.heard("decode", 1, 2, now=52)
    watch.heard("denoise", 4, 8, now=102)
    watch.heard("denoise", 5, 8, now=103)
    assert watch.limit_s == 30


def test_after_the_last_step_the_decode_has_its_own_limit() -> None:
    """The last step's report is followed by work of another kind."""
    watch = RunWatch(LIMITS, now=0)
    watch.heard("denoise", 7, 8, now=1)
    watch.heard("denoise", 8, 8, now=2)
    assert watch.limit_s == 60
