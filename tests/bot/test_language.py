"""The language that members read, and the catalogues it comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import language
from bot.language import N_, _, ngettext

Outside = Callable[[str], list[str]]


def test_english_needs_no_catalogue() -> None:
    """What stands in the code is what is said, with English plurals."""
    assert language.is_english()
    assert _("a red fox") == N_("a red fox") == "a red fox"
    assert [ngettext("{count} fox", "{count} foxes", n).format(count=n) for n in (1, 2)] == ["1 fox", "2 foxes"]


def test_a_catalogue_is_read_and_falls_back_to_english(bracketed: Outside) -> None:
    """Words of the catalogue are said its way, those it lacks as they stand in the code."""
    assert not language.is_english()
    assert _("Delete one of your presets.") == "⟦Delete one of your presets.⟧"
    assert ngettext("{count} picture", "{count} pictures", 2) == "⟦{count} pictures⟧"
    assert _("no such words") == "no such words"
    assert bracketed("⟦Queued ⟦3rd⟧⟧ · said 1 in <#1>") == ["said", "in"]


def test_a_language_without_a_catalogue_is_refused() -> None:
    """The sentence names what there is; nothing changes."""
    with pytest.raises(language.Unspoken, match=r"BOT_LANGUAGE: .*“tlh”; choose one of en\."):
        language.speak("tlh")
    assert language.is_english()


def test_the_bot_does_not_start_in_a_language_it_has_not(tmp_path: Path) -> None:
    """One sentence and the status that service managers do not restart."""
    own = {"DISCORD_TOKEN": "a-token-of-no-bot", "BOT_LANGUAGE": "tlh"}
    command = [sys.executable, "-m", "bot"]
    ended = subprocess.run(command, env=os.environ | own, cwd=tmp_path, capture_output=True, timeout=120)
    assert ended.returncode == 78
    assert ended.stderr.decode().strip() == "BOT_LANGUAGE: there is no catalogue of “tlh”; choose one of en."
