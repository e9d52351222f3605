"""Settings that decide where a key goes, and what is screened."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import SCREEN_RULES, DeliverySettings, WorkerSettings, complaint
from flux2.screening.outfit import Screens
from flux2.screening.policy import Levels


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1"),
        ("http://127.0.0.1:8080/api/v1", "http://127.0.0.1:8080/api/v1"),
        ("http://openrouter.ai/api/v1", None),
        ("http://127.0.0.1.example.org/api/v1", None),
        ("ftp://openrouter.ai", None),
        ("openrouter.ai", None),
    ],
)
def test_a_key_travels_encrypted_or_stays_on_the_machine(
    monkeypatch: pytest.MonkeyPatch, url: str, kept: str | None
) -> None:
    """https, or loopback; anything else is one sentence before the worker starts."""
    monkeypatch.setenv("DISCORD_TOKEN", "token")
    monkeypatch.setenv("OPENROUTER_BASE_URL", url)
    if kept is not None:
        assert DeliverySettings().openrouter_base_url == kept
        return
    with pytest.raises(ValidationError) as refused:
        DeliverySettings()
    assert "OPENROUTER_BASE_URL" in complaint(refused.value)
    assert "https://" in complaint(refused.value)


def test_pictures_and_words_are_screened_unless_that_is_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped rules and a classifier by default; none for sample, which needs no download; off is off."""
    shipped = Screens(
        rules=SCREEN_RULES,
        classifier="Falconsai/nsfw_image_detection",
        labels=("nsfw",),
        levels=Levels(refuse=0.85, hide=0.5),
        question="optional",
    )
    assert WorkerSettings().screens == shipped
    monkeypatch.setenv("FLUX2_MODEL", "sample")
    assert WorkerSettings().screens == shipped.model_copy(update={"classifier": None})
    for part in ("RULES", "CLASSIFIER"):
        monkeypatch.setenv(f"FLUX2_SCREEN_{part}", "off")
    monkeypatch.delenv("FLUX2_MODEL")
    monkeypatch.setenv("FLUX2_SCREEN_QUESTION", "never")
    monkeypatch.setenv("FLUX2_SCREEN_SPOILER_THRESHOLD", "1")
    assert WorkerSettings().screens == Screens(levels=Levels(hide=1))


def test_screens_are_what_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and repositories by name; labels may be several."""
    monkeypatch.setenv("FLUX2_SCREEN_RULES", "rules.toml")
    monkeypatch.setenv("FLUX2_SCREEN_CLASSIFIER", "some/classifier")
    monkeypatch.setenv("FLUX2_SCREEN_LABELS", "porn, gore")
    monkeypatch.setenv("FLUX2_SCREEN_THRESHOLD", "0.5")
    monkeypatch.setenv("FLUX2_SCREEN_AGE_RESTRICTED_THRESHOLD", "0.9")
    monkeypatch.setenv("FLUX2_SCREEN_QUESTION", "always")
    monkeypatch.setenv("FLUX2_SCREEN_FAIL_OPEN", "true")
    assert WorkerSettings().screens == Screens(
        rules=Path("rules.toml"),
        classifier="some/classifier",
        labels=("porn", "gore"),
        levels=Levels(refuse=0.5, refuse_age_restricted=0.9, hide=0.5),
        question="always",
        fails_open=True,
    )
