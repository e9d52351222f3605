"""The compose file and the images, as far as they can be judged without a Docker engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from config.settings import BotSettings, DeliverySettings, WorkerSettings
from worker import lanes, shutdown

DOCKERFILES = ("bot", "worker-gpu", "worker-io")
READS: dict[str, type[BaseSettings]] = {"bot": BotSettings, "worker-gpu": WorkerSettings, "worker-io": DeliverySettings}
MODEL_SETTINGS = set(WorkerSettings.model_fields) - set(BotSettings.model_fields) | {"flux2_model"}


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    """The compose file, merged keys resolved."""
    loaded: dict[str, Any] = yaml.safe_load((root / "docker-compose.yml").read_text())
    return loaded


def test_the_compose_file_follows_the_specification(root: Path) -> None:
    """Every key of docker-compose.yml is one that Compose knows."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        "docker-compose.yml",
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", sorted(READS))
def test_a_service_is_given_the_settings_it_reads(compose: dict[str, Any], service: str) -> None:
    """What an operator writes into .env reaches the process, and nothing reaches one that does not read it."""
    given = {name.lower() for name in compose["services"][service]["environment"]}
    fields = set(READS[service].model_fields)
    if service == "worker-io":
        fields -= MODEL_SETTINGS
    assert given == fields


def test_gpu_hosts_never_hold_the_discord_token(compose: dict[str, Any]) -> None:
    """Taking over a GPU worker does not give the bot away."""
    assert "DISCORD_TOKEN" not in compose["services"]["worker-gpu"]["environment"]
    assert "DISCORD_TOKEN" in compose["services"]["worker-io"]["environment"]


def test_every_process_has_a_redis_user_of_its_own(compose: dict[str, Any]) -> None:
    """The users of the ACL file are the ones the services log in as."""
    for service in READS:
        assert compose["services"][service]["environment"]["REDIS_URL"].startswith(f"redis://{service}:")


def test_nothing_is_published(compose: dict[str, Any]) -> None:
    """No service opens a port on the host: Redis is reached by the others alone."""
    assert [name for name, service in compose["services"].items() if "ports" in service] == []


def test_secrets_stand_in_no_tracked_file(compose: dict[str, Any]) -> None:
    """Tokens and passwords come from .env; leaving one out stops Compose with a sentence."""
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if re.search(r"TOKEN|PASSWORD|_KEY", name):
                assert value is None or value.startswith("${"), name


def test_redis_keeps_what_it_takes(root: Path, compose: dict[str, Any]) -> None:
    """Append-only file, no eviction, a volume and a health check that the others wait for."""
    settings = (root / "docker/redis/redis.conf").read_text().splitlines()
    assert {"appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"} <= set(settings)
    assert "redis:/data" in compose["services"]["redis"]["volumes"]
    assert compose["services"]["redis"]["healthcheck"]["test"]
    for service in READS:
        assert compose["services"][service]["depends_on"]["redis"]["condition"] == "service_healthy"


def test_stopping_waits_for_the_work_at_hand(compose: dict[str, Any]) -> None:
    """Docker kills a container at least 30 s after its process would have left by itself."""
    needs = {"worker-gpu": shutdown.GRACE_S + 30, "worker-io": lanes.DRAIN_S + 30, "bot": 20 + 20}
    for service, least_s in needs.items():
        assert _seconds(compose["services"][service]["stop_grace_period"]) >= least_s, service


def _seconds(duration: str) -> float:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def test_weights_and_ledger_outlive_their_containers(compose: dict[str, Any]) -> None:
    """A rebuilt image neither downloads weights again nor forgets a job."""
    services = compose["services"]
    assert "weights:/weights" in services["worker-gpu"]["volumes"]
    assert "ledger:/var/lib/flux2-bot/ledger" in services["bot"]["volumes"]
    for service in READS:
        assert "blobs:/var/lib/flux2-bot/blobs" in services[service]["volumes"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_run_without_root_behind_an_init(root: Path, name: str) -> None:
    """Two stages; a fixed uid, the same in all three since they share files; tini passes signals on and reaps."""
    lines = (root / f"docker/{name}.Dockerfile").read_text().splitlines()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert 'ENTRYPOINT ["/usr/bin/tini", "--"]' in lines


@pytest.mark.parametrize("name", DOCKERFILES)
def test_sources_come_last(root: Path, name: str) -> None:
    """Changing code does not install the dependencies again."""
    lines = (root / f"docker/{name}.Dockerfile").read_text().splitlines()
    installs = [number for number, line in enumerate(lines) if line.startswith("RUN ")]
    sources = [number for number, line in enumerate(lines) if re.match(r"COPY (bot|config|flux2|worker)", line)]
    assert sources
    assert max(installs) < min(sources)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_an_image_copies_exists(root: Path, name: str) -> None:
    """No Dockerfile names a file that is gone, or that .dockerignore keeps out."""
    allowed = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in (root / f"docker/{name}.Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert list(root.glob(source)), source
                assert source.split("/")[0] in allowed


@pytest.mark.parametrize("name", ["bot", "worker-io"])
def test_only_the_gpu_image_brings_torch(root: Path, name: str) -> None:
    """The bot and io images install no extra that pulls in torch (tests of the pins follow the extras down)."""
    (extras,) = re.findall(r'"\.\[(.*)\]"', (root / f"docker/{name}.Dockerfile").read_text())
    assert set(extras.split(",")) <= {"bot", "io", "postgres", "s3"}


@pytest.mark.parametrize(("name", "modules"), [("bot", "bot.__main__"), ("worker-io", "worker.lanes, worker.delivery")])
def test_an_image_holds_what_its_process_imports(root: Path, tmp_path: Path, name: str, modules: str) -> None:
    """A part of ours that is left out of an image would be missed at its first start only."""
    left_out = [
        line for line in (root / ".dockerignore").read_text().splitlines() if line[:1] not in {"#", "*", "!", ""}
    ]
    for line in (root / f"docker/{name}.Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line and "pyproject" not in line:
            _copy, source, target = line.split()
            ignored = [Path(path).name for path in left_out if Path(path).parent == Path(source)]
            shutil.copytree(root / source, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__", *ignored))
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {modules}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
