"""Which weights: from the word an operator wrote to a model of the registry and the folder its weights lie in.

Torch-free. Declines to download: `python -m worker fetch` does that, with progress; here it is only found out whether
everything is there, and said what to do if not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

from flux2 import models
from flux2.errors import CheckpointUnavailable, InvalidRequest
from flux2.models import Model, PipelineClass

INDEX = "model_index.json"
WANTED = (INDEX, "*/*.json", "*/*.safetensors", "*/*.jinja", "*/*.txt", "*/*.model")
"""Files of a hub repository the loader reads; the single-file weights in its root are a second copy of the same."""

_SAMPLE = Path(__file__).parent / "sample"
_SAMPLE_SOURCE = models.REGISTRY["sample"].source
_WEIGHTLESS = ("scheduler", "tokenizer", "feature_extractor", "image_processor", "processor")


def resolve(value: str) -> Model:
    """Return the model that `value` names: a registry entry, or the path of a folder in diffusers' layout.

    A folder's own values come from its model_index.json; everything else from the registry entry of the same kind.
    Raises CheckpointUnavailable with one sentence.
    """
    folder = Path(value).expanduser()
    if value in models.REGISTRY:
        return models.REGISTRY[value]
    if folder.is_dir():
        return models.REGISTRY["sample"] if folder.resolve() == _SAMPLE else _from_folder(folder.resolve())
    if "/" in value or value.startswith((".", "~")):
        raise CheckpointUnavailable(f"There is no folder {value}; set FLUX2_MODEL to a folder with a {INDEX}.")
    try:
        return models.find(value)
    except InvalidRequest as unknown:
        raise CheckpointUnavailable(f"{unknown} A path to a folder works too.") from unknown


def locate(model: Model, *, hf_home: Path | None = None, token: str | None = None) -> Path:
    """Return the folder of `model`'s weights on this machine, complete. Never touches the network.

    `hf_home` is where downloads are kept, None for the hub library's default; `token` only decides which advice is
    given. Raises CheckpointUnavailable.
    """
    if model.source == _SAMPLE_SOURCE:
        folder = _SAMPLE
    elif Path(model.source).is_absolute():
        folder = Path(model.source)
    else:
        folder = _downloaded(model, hf_home, token)
    missing = missing_parts(folder)
    if missing:
        advice = f"run `python -m worker fetch {model.name}` again" if is_downloadable(model) else "copy it again"
        raise CheckpointUnavailable(f"The weights of {model.name} in {folder} lack {missing[0]}; {advice}.")
    return folder


def is_downloadable(model: Model) -> bool:
    """Whether the weights come from the hub, rather than with this package or from a folder of the operator's."""
    return model.source != _SAMPLE_SOURCE and not Path(model.source).is_absolute()


def missing_parts(folder: Path) -> list[str]:
    """Return the files, relative to `folder`, that its model_index.json calls for and that are not there."""
    if not (folder / INDEX).is_file():
        return [INDEX]
    index = _read_index(folder)
    components = [name for name, value in index.items() if isinstance(value, list) and value[0] is not None]
    return [lack for name in components for lack in _missing_of(folder, name)]


def unavailable(model: Model, cause: Exception, *, token: str | None = None) -> CheckpointUnavailable:
    """Word a failure of the hub library: gated, not found, no connection, no space."""
    from huggingface_hub import errors

    if isinstance(cause, errors.GatedRepoError):
        return CheckpointUnavailable(_gate(model, token))
    if isinstance(cause, errors.RepositoryNotFoundError):
        return CheckpointUnavailable(f"The hub does not know {model.source}, or HF_TOKEN may not see it; check both.")
    if isinstance(cause, OSError) and cause.errno is not None:
        return CheckpointUnavailable(
            f"{model.name} could not be stored: {cause.strerror}; free some space or fix HF_HOME."
        )
    return CheckpointUnavailable(
        f"{model.source} could not be reached ({type(cause).__name__}); check the network and run "
        f"`python -m worker fetch {model.name}` again, it goes on where it stopped."
    )


def _downloaded(model: Model, hf_home: Path | None, token: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    cache = hf_home / "hub" if hf_home else None
    try:
        return Path(
            snapshot_download(model.source, cache_dir=cache, local_files_only=True, allow_patterns=list(WANTED))
        )
    except (LocalEntryNotFoundError, OSError) as absent:
        advice = _gate(model, token) if model.gated and not token else f"run `python -m worker fetch {model.name}`."
        raise CheckpointUnavailable(f"{model.name} is not on this machine yet: {advice}") from absent


def _gate(model: Model, token: str | None) -> str:
    have_token = "check that HF_TOKEN belongs to that account" if token else "set HF_TOKEN to a token of that account"
    return (
        f"accept the licence on https://huggingface.co/{model.source}, {have_token}, "
        f"and run `python -m worker fetch {model.name}`."
    )


def _missing_of(folder: Path, component: str) -> list[str]:
    part = folder / component
    if not any(part.glob("*.json")):
        return [f"{component}/"]
    if component in _WEIGHTLESS:
        return []
    indexes = list(part.glob("*.safetensors.index.json"))
    if not indexes:
        return [] if any(part.glob("*.safetensors")) else [f"{component}/*.safetensors"]
    shards = {str(shard) for index in indexes for shard in json.loads(index.read_text())["weight_map"].values()}
    return [f"{component}/{shard}" for shard in sorted(shards) if not (part / shard).is_file()]


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_text())
    except (OSError, ValueError) as broken:
        raise CheckpointUnavailable(
            f"{folder} holds no readable {INDEX}; point FLUX2_MODEL at a folder in diffusers' layout."
        ) from broken
    return dict(index)


def _from_folder(folder: Path) -> Model:
    index = _read_index(folder)
    kind = str(index.get("_class_name"))
    if kind not in get_args(PipelineClass):
        known = ", ".join(get_args(PipelineClass))
        raise CheckpointUnavailable(f"{folder} is a {kind}; FLUX2_MODEL takes a folder with one of {known}.")
    distilled = bool(index.get("is_distilled"))
    like = {"Flux2Pipeline": "dev", "Flux2KleinKVPipeline": "klein-9b-kv"}.get(
        kind, "klein-4b" if distilled else "klein-base-4b"
    )
    return models.REGISTRY[like].model_copy(
        update={
            "name": re.sub(r"[^A-Za-z0-9._-]", "-", folder.name),
            "source": str(folder),
            "license": "as stated in its folder",
            "gated": False,
            "non_commercial": False,
            "min_side": 64,
        }
    )
