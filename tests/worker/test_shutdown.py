"""Signals as questions, with real signals to a real process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from worker import shutdown as shutting_down
from worker.shutdown import Shutdown


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def pass_time(stop_clock: Callable[[ModuleType], Callable[[float], None]]) -> Callable[[float], None]:
    """Lets so many seconds pass, and none by themselves."""
    return stop_clock(shutting_down)


def test_one_signal_asks_and_a_later_second_one_insists(pass_time: Callable[[float], None]) -> None:
    """The same Ctrl-C arriving twice counts once."""
    shutdown = Shutdown()
    shutdown.install()
    assert not shutdown.is_wanted
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    assert shutdown.is_wanted
    assert not shutdown.is_urgent
    pass_time(1.1)
    os.kill(os.getpid(), signal.SIGTERM)
    assert shutdown.is_urgent


def test_the_grace_ends_by_itself(pass_time: Callable[[float], None]) -> None:
    """A supervisor sends one signal and SIGKILL later; before that the job is given back."""
    shutdown = Shutdown(grace_s=0.2)
    shutdown.install()
    os.kill(os.getpid(), signal.SIGTERM)
    assert not shutdown.is_urgent
    pass_time(0.3)
    assert shutdown.is_urgent
