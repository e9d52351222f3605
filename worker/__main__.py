"""`python -m worker`: the composition root of both roles, of `fetch` and `doctor`. Settings are built here and go down.

What only the operator can mend (settings, weights, licence) ends the process with one sentence on stderr and status 78,
EX_CONFIG, which supervisors are told not to restart: there is no restart loop over a missing token.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from config import logging as log_lines
from config.finding import summary, without_secrets
from config.settings import DeliverySettings, WorkerSettings, complaint
from flux2 import checkpoint
from flux2.errors import CheckpointUnavailable

EXIT_CONFIG = 78
EXIT_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit status."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        if parsed.command == "fetch":
            return _fetch(parsed.model, parsed.accept_license)
        if parsed.command == "doctor":
            return _doctor()
        if parsed.role is None:
            parser.error("give --role gpu, --role io, or one of the commands fetch and doctor")
        return _run_gpu() if parsed.role == "gpu" else _run_io()
    except ValidationError as error:
        return _say(complaint(error), EXIT_CONFIG)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m worker", description="Runs jobs, fetches weights, or says what is wrong."
    )
    parser.add_argument("--role", choices=("gpu", "io"), help="gpu: render; io: deliver and other network work")
    commands = parser.add_subparsers(dest="command", metavar="fetch|doctor")
    fetch = commands.add_parser("fetch", help="download a model's weights", description="Downloads a model's weights.")
    fetch.add_argument("model", nargs="?", metavar="MODEL", help="registry name, or auto; FLUX2_MODEL if left out")
    fetch.add_argument("--accept-license", action="store_true", help="accept the licence of non-commercial weights")
    purpose = "look for what keeps a gpu worker of this host from drawing"
    commands.add_parser("doctor", help=purpose, description=purpose.capitalize() + ".")
    return parser


def _doctor() -> int:
    from worker import doctor

    settings = WorkerSettings()
    hidden = (settings.redis_url.get_secret_value(), _token(settings) or "")
    found = without_secrets(doctor.examine(settings), hidden)
    sys.stdout.write("\n".join([*(one.line for one in found), summary(found)]) + "\n")
    return EXIT_FAILED if any(one.level == "fail" for one in found) else 0


def _fetch(name: str | None, accepts_license: bool) -> int:
    from worker import automatic
    from worker.fetch import fetch, fetch_classifier

    settings = WorkerSettings()
    settings = settings.model_copy(update={"flux2_model": name or settings.flux2_model})
    _configure_logging(settings)
    hf_home, token = settings.hf_home, _token(settings)
    try:
        settings = automatic.settle(settings, accepts_license=accepts_license)
        sentence = fetch(
            checkpoint.resolve(settings.flux2_model),
            hf_home=hf_home,
            token=token,
            accepts_license=accepts_license or settings.flux2_accept_license,
        )
        if settings.screens.classifier is not None:
            sentence += "\n" + fetch_classifier(settings.screens.classifier, hf_home=hf_home, token=token)
    except CheckpointUnavailable as error:
        return _say(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return _say("Stopped; run it again to go on where it was.", 130)
    sys.stdout.write(sentence + "\n")
    return 0


def _run_io() -> int:
    from worker import lanes

    settings = DeliverySettings()
    key = settings.openrouter_api_key
    secrets = [settings.discord_token.get_secret_value(), "" if key is None else key.get_secret_value()]
    _configure_logging(settings, *secrets)
    return lanes.run(settings)


def _run_gpu() -> int:
    from worker import gpu_role
    from worker.keeper import WeightsUnloadable

    settings = WorkerSettings()
    _configure_logging(settings)
    try:
        gpu_role.run(settings, name=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}")
    except (gpu_role.CannotServe, CheckpointUnavailable, WeightsUnloadable) as error:
        gpu_role.complain(settings, str(error))
        return _say(str(error), EXIT_CONFIG)
    return 0


def _configure_logging(settings: WorkerSettings, *more: str) -> None:
    known = [settings.redis_url.get_secret_value(), _token(settings) or "", *more]
    log_lines.configure(settings.log_level, settings.log_json, secrets=[secret for secret in known if secret])


def _token(settings: WorkerSettings) -> str | None:
    return settings.hf_token.get_secret_value() if settings.hf_token else None


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(sentence + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
