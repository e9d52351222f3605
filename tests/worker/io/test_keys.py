"""API keys of io workers, proved at a service that speaks as OpenRouter does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from worker import keys
from worker.keys import Key, Proof


def key(openrouter: Any, secret: str) -> Key:
    return Key("OPENROUTER_API_KEY", f"{openrouter.url}/key", secret)


def proved(proof: Proof) -> dict[str, str]:
    """Tend it as the supervisor does, until there is an answer."""
    for _ in range(1200):
        proof.tend()
        if proof.states:
            return dict(proof.states)
        time.sleep(0.05)
    raise TimeoutError


@pytest.mark.parametrize(("secret", "state"), [("sk-or-test", "accepted"), ("sk-or-expired", "refused")])
def test_a_key_is_proved_without_a_question(openrouter: Any, secret: str, state: str) -> None:
    """The service says whether it takes the key, in a process of its own, and nothing is paid for."""
    proof = Proof([key(openrouter, secret)], lambda: None)
    assert proved(proof) == {"OPENROUTER_API_KEY": state}
    assert openrouter.questions == []


def test_a_service_that_is_away_is_not_a_bad_key() -> None:
    """Nobody listens: that is said, and not taken for a refusal."""
    assert keys.prove(Key("OPENROUTER_API_KEY", "http://127.0.0.1:9/key", "x")) == "unreachable"


def test_without_keys_nobody_is_asked() -> None:
    """No process is started for nothing."""
    proof = Proof([], lambda: None)
    proof.tend()
    assert proof.states == {}
