"""Where the classifier's weights lie. Torch-free, as `flux2.checkpoint`, which finds those that draw.

Declines to download: `python -m worker fetch` does that.
"""

from __future__ import annotations

from pathlib import Path

from flux2.errors import CheckpointUnavailable

LARGE = "model*.safetensors"
"""The part of WANTED that is worth resuming."""
WANTED = ("config.json", "preprocessor_config.json", "model.safetensors.index.json", LARGE)
_NEEDED = ("config.json", "preprocessor_config.json", "*model*.*")
_ADVICE = "or set FLUX2_SCREEN_CLASSIFIER=off and answer for what is posted yourself"


def is_folder(source: str) -> bool:
    """Whether `source` is a folder of the operator's rather than a repository of the hub."""
    return Path(source).is_absolute() or Path(source).is_dir()


def locate(source: str, *, hf_home: Path | None = None) -> Path:
    """Return the folder of the classifier `source` on this machine, complete. Never touches the network.

    Raises CheckpointUnavailable with one sentence for the operator.
    """
    folder = Path(source) if is_folder(source) else _downloaded(source, hf_home)
    missing = [name for name in _NEEDED if not any(folder.glob(name))]
    if missing:
        mend = "fix FLUX2_SCREEN_CLASSIFIER" if is_folder(source) else "run `python -m worker fetch` again"
        raise CheckpointUnavailable(f"The screening classifier {source} lacks {missing[0]}; {mend}, {_ADVICE}.")
    return folder


def unreachable(source: str, cause: Exception) -> CheckpointUnavailable:
    """Word a failure to download it."""
    return CheckpointUnavailable(
        f"The screening classifier {source} could not be fetched ({type(cause).__name__}); check the network and run "
        f"`python -m worker fetch` again, {_ADVICE}."
    )


def _downloaded(source: str, hf_home: Path | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    cache = hf_home / "hub" if hf_home else None
    try:
        return Path(snapshot_download(source, cache_dir=cache, local_files_only=True, allow_patterns=list(WANTED)))
    except HFValidationError as wrong:
        raise CheckpointUnavailable(
            f"FLUX2_SCREEN_CLASSIFIER is neither a folder nor the name of a repository: {source}."
        ) from wrong
    except (LocalEntryNotFoundError, OSError) as absent:
        raise CheckpointUnavailable(
            f"The screening classifier {source} is not on this machine yet; run `python -m worker fetch`, {_ADVICE}."
        ) from absent
