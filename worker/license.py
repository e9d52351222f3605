"""The licence of non-commercial weights: accepted once, remembered in a small file next to them.

Owns the notice and the record. Declines to download and to know who the operator is.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from flux2.checkpoint import is_downloadable
from flux2.models import Model

_RECORD = "accepted-license.json"


def needs_acceptance(model: Model, hf_home: Path | None) -> bool:
    """Whether these weights are non-commercial, come from the hub, and nobody here has accepted their licence yet."""
    return model.non_commercial and is_downloadable(model) and not _record(model, hf_home).is_file()


def notice(model: Model) -> str:
    """What an operator has to know before using the weights; one sentence."""
    return (
        f"{model.name} comes under the {model.license}, which does not allow commercial use without an agreement: "
        f"read it at https://huggingface.co/{model.source}."
    )


def advice() -> str:
    """How to accept without a terminal; one sentence."""
    return "To accept it, add --accept-license to `python -m worker fetch` or set FLUX2_ACCEPT_LICENSE=true."


def accept(model: Model, hf_home: Path | None) -> None:
    """Remember that the licence was accepted. Raises OSError."""
    record = _record(model, hf_home)
    record.parent.mkdir(parents=True, exist_ok=True)
    said = {"model": model.source, "license": model.license, "accepted_at": datetime.now(UTC).isoformat()}
    record.write_text(json.dumps(said, indent=2) + "\n")


def cache_folder(hf_home: Path | None) -> Path:
    """Return the folder the hub library keeps repositories in."""
    from huggingface_hub import constants

    return hf_home / "hub" if hf_home else Path(constants.HF_HUB_CACHE)


def repository_folder(source: str, hf_home: Path | None) -> Path:
    """Return the folder in which the hub library keeps the repository `source`."""
    from huggingface_hub.file_download import repo_folder_name

    return cache_folder(hf_home) / repo_folder_name(repo_id=source, repo_type="model")


def _record(model: Model, hf_home: Path | None) -> Path:
    return repository_folder(model.source, hf_home) / _RECORD
