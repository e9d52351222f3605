"""`python -m worker doctor`: each fault of a gpu host is found and its fix named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config.settings import WorkerSettings
from flux2 import card
from flux2.card import Card
from flux2.errors import CheckpointUnavailable
from flux2.models import REGISTRY
from sandbox.redis_server import RedisServer
from tests.worker.hub import Hub
from worker import doctor
from worker import license as terms
from worker.__main__ import main

GB = 10**9
RTX_4090 = Card(
    kind="cuda", name="NVIDIA GeForce RTX 4090", total_bytes=25 * GB, free_bytes=24 * GB, capability=(8, 9), count=1,
    main_memory_bytes=64 * GB,
)  # fmt: skip
DEV = REGISTRY["dev"]


@dataclass
class Host:
    """A gpu host on which faults are planted; well as it comes, drawing with sample."""

    folder: Path
    hub: Hub
    card: Card | CheckpointUnavailable = RTX_4090
    settings: dict[str, Any] = field(default_factory=dict)

    def examine(self) -> list[doctor.Finding]:
        """What the doctor finds."""
        return doctor.examine(WorkerSettings.model_validate(self.settings))

    def model(self, name: str, *, is_accepted: bool = False) -> None:
        """Draw with a model of the hub."""
        self.settings["flux2_model"] = name
        if is_accepted:
            terms.accept(REGISTRY[name], self.settings["hf_home"])


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.stop()


@pytest.fixture
def host(tmp_path: Path, redis_server: RedisServer, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Host:
    hub.gated = False
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    host = Host(tmp_path, hub)
    host.settings = {
        "redis_url": redis_server.url,
        "blob_url": (tmp_path / "blobs").as_uri(),
        "hf_home": tmp_path / "hf",
        "flux2_model": "sample",
        "flux2_screen_classifier": "off",
    }

    def read(_device: str) -> Card:
        if isinstance(host.card, CheckpointUnavailable):
            raise host.card
        return host.card

    monkeypatch.setattr(card, "read", read)
    return host


def no_redis(host: Host) -> None:
    host.settings["redis_url"] = "redis://127.0.0.1:1/0"


def no_redis_url(host: Host) -> None:
    host.settings["redis_url"] = "nonsense"


def blobs_blocked(host: Host) -> None:
    (host.folder / "blobs").write_text("")


def no_card(host: Host) -> None:
    host.card = Card(kind="none", main_memory_bytes=16 * GB)


def wrong_card(host: Host) -> None:
    host.card = CheckpointUnavailable("There is no device cuda:7 on this machine; choose auto or cpu (FLUX2_DEVICE).")


def too_small(host: Host) -> None:
    host.model("auto")
    host.card = RTX_4090.model_copy(update={"free_bytes": 4 * GB})


def unknown_model(host: Host) -> None:
    host.model("klein-5b")


def no_weights(host: Host) -> None:
    host.model("klein-4b")


def half_the_weights(host: Host) -> None:
    folder = host.folder / "half"
    shutil.copytree(Path(__file__).parents[2] / "flux2" / "sample", folder)
    shutil.rmtree(folder / "vae")
    host.settings["flux2_model"] = str(folder)


def no_licence(host: Host) -> None:
    host.model("klein-9b")


def gate_closed(host: Host) -> None:
    host.model("dev", is_accepted=True)
    host.hub.gated = True


def gate_closed_to_the_token(host: Host) -> None:
    gate_closed(host)
    host.settings["hf_token"] = "hf_of_somebody_else"


def no_rules(host: Host) -> None:
    host.settings["flux2_screen_rules"] = str(host.folder / "nowhere.toml")


def unscreened(host: Host) -> None:
    """As it comes here."""


def no_classifier(host: Host) -> None:
    host.settings["flux2_screen_classifier"] = "Falconsai/nsfw_image_detection"


FAULTS: dict[str, tuple[Callable[[Host], None], str, str, str]] = {
    "Redis away": (no_redis, "fail", "Redis", "Start it, or set REDIS_URL"),
    "no Redis URL": (no_redis_url, "fail", "Redis", "redis://host:6379/0"),
    "blobs blocked": (blobs_blocked, "fail", "Blobs", "BLOB_URL"),
    "no card": (no_card, "warn", "Card", "FLUX2_DEVICE"),
    "another card": (wrong_card, "fail", "Model", "choose auto or cpu"),
    "card too small": (too_small, "fail", "Model", "7 GB of free GPU memory (21 GB are taken)"),
    "unknown model": (unknown_model, "fail", "Model", "choose one of"),
    "no weights": (no_weights, "fail", "Weights", "python -m worker fetch klein-4b"),
    "half the weights": (half_the_weights, "fail", "Weights", "copy it again"),
    "no licence": (no_licence, "fail", "Licence", "--accept-license"),
    "gate closed": (gate_closed, "fail", "Hub", "set HF_TOKEN to a token of that account"),
    "gate closed to the token": (
        gate_closed_to_the_token,
        "fail",
        "Hub",
        "HF_TOKEN belongs to that account",
    ),
    "no rules": (no_rules, "fail", "Screen rules", "nowhere.toml"),
    "unscreened": (unscreened, "warn", "Classifier", "before strangers draw here"),
    "no classifier": (no_classifier, "fail", "Classifier", "python -m worker fetch"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_its_fix_named(host: Host, fault: str) -> None:
    """The line has the right level, is about the right part, and says what to do."""
    plant, level, about, words = FAULTS[fault]
    plant(host)
    bad = [one for one in host.examine() if one.level != "ok"]
    assert any((one.level, one.about) == (level, about) and words in one.line for one in bad), [one.line for one in bad]


def test_a_host_that_is_well_has_nothing_broken(host: Host) -> None:
    """Every part has its line, and no blob is left behind."""
    found = host.examine()
    assert {one.about: one.level for one in found if one.about != "Classifier"} == dict.fromkeys(
        ("Redis", "Clock", "Blobs", "Card", "Model", "Weights", "Screen rules"), "ok"
    )
    assert list((host.folder / "blobs").glob("??/*")) == []


def test_a_clock_that_is_off_is_told() -> None:
    """Beside Redis's, which is everybody's."""
    slow = doctor._clock(-90)
    assert (slow.level, "NTP" in slow.fix, "-90 s" in slow.line) == ("warn", True, True)


def test_an_open_gate_is_told(host: Host) -> None:
    """With a token the hub accepts, only the weights are missing."""
    host.model("dev", is_accepted=True)
    host.settings["hf_token"] = "hf_ours"
    found = {one.about: one.level for one in host.examine()}
    assert (found["Hub"], found["Licence"], found["Weights"]) == ("ok", "ok", "fail")


def test_a_hub_that_is_away_is_not_a_closed_gate(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network nobody is told to accept a licence again."""
    host.model("dev", is_accepted=True)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    (hub,) = [one for one in host.examine() if one.about == "Hub"]
    assert (hub.level, "Check the network" in hub.fix) == ("warn", True)


def test_the_command_prints_the_report_without_secrets(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each part, a sum, status 1 for something broken, and no password."""
    monkeypatch.chdir(host.folder)
    settings = {**host.settings, "redis_url": "redis://:hunter2@127.0.0.1:1/0"}
    for name, value in settings.items():
        monkeypatch.setenv(name.upper(), str(value))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "ok · Card: NVIDIA GeForce RTX 4090, 24 of 25 GB free, 64 GB of main memory" in printed
    assert printed.splitlines()[-1].endswith("1 broken")
    assert "hunter2" not in printed
