"""flux2.card: this machine, looked at from outside."""

import sys

from flux2 import card, card_reader


def test_this_machine_is_read_in_another_process() -> None:
    """The answer has this machine's memory, and whoever asked has not loaded torch for it."""
    had_torch = "torch" in sys.modules
    found = card.read("cpu")
    assert (found.kind, found.count, found.main_memory_bytes) == ("none", 0, card_reader.main_memory_bytes())
    assert ("torch" in sys.modules) is had_torch
