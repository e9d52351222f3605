"""`python -m worker fetch`: brings weights onto this machine, with progress, going on where it stopped.

A model's, and those of the classifier that judges its pictures. Owns the conversation with the operator. Which files
are wanted and what an error means is `flux2.checkpoint`'s and `flux2.screening.weights`'s.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from flux2 import checkpoint
from flux2.errors import CheckpointUnavailable
from flux2.models import Model
from flux2.screening import weights
from worker import download
from worker import license as terms

_LARGE = "*/*.safetensors"
"""The part of checkpoint.WANTED that is worth resuming."""


def fetch(model: Model, *, hf_home: Path | None, token: str | None, accepts_license: bool) -> str:
    """Download what is missing of `model` and return a sentence on where it lies; progress goes to stderr.

    Raises CheckpointUnavailable with one sentence: licence not accepted, gated, no connection, no space.
    """
    if model.name == "sample":
        return f"sample ships with the code, in {checkpoint.locate(model)}; there is nothing to fetch."
    if not checkpoint.is_downloadable(model):
        return f"{model.name} is a folder of yours, {checkpoint.locate(model)}; there is nothing to fetch."
    _settle_license(model, hf_home, accepts_license)
    _download(model, hf_home, token)
    return f"{model.name} is complete in {checkpoint.locate(model, hf_home=hf_home, token=token)}."


def _settle_license(model: Model, hf_home: Path | None, accepts: bool) -> None:
    if not terms.needs_acceptance(model, hf_home):
        return
    if not accepts and not (sys.stdin.isatty() and _asks(model)):
        raise CheckpointUnavailable(f"{terms.notice(model)} {terms.advice()}")
    try:
        terms.accept(model, hf_home)
    except OSError as error:
        raise checkpoint.unavailable(model, error, token=None) from error


def _asks(model: Model) -> bool:
    sys.stderr.write(f"{terms.notice(model)}\nDo you accept it? [yes/no] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def fetch_classifier(source: str, *, hf_home: Path | None, token: str | None) -> str:
    """The same for the screening classifier `source`."""
    if not weights.is_folder(source):
        try:
            _bring(source, weights.LARGE, weights.WANTED, hf_home, token)
        except Exception as error:  # as below
            raise weights.unreachable(source, error) from error
    return f"The screening classifier is complete in {weights.locate(source, hf_home=hf_home)}."


def _download(model: Model, hf_home: Path | None, token: str | None) -> None:
    try:
        _bring(model.source, _LARGE, checkpoint.WANTED, hf_home, token)
    except Exception as error:  # which transport the hub library uses, and what that raises, is its own business
        raise checkpoint.unavailable(model, error, token=token) from error


def _bring(source: str, large: str, wanted: tuple[str, ...], hf_home: Path | None, token: str | None) -> None:
    """Download what is missing of `wanted`; files like `large` go on where they stopped."""
    from huggingface_hub import HfApi, snapshot_download

    found = HfApi().model_info(source, token=token or False)
    for name in sorted(file.rfilename for file in found.siblings or ()):
        if PurePosixPath(name).match(large) and name.count("/") == large.count("/"):
            blobs = terms.repository_folder(source, hf_home) / "blobs"
            download.bring(source, str(found.sha), name, blobs, token)
    snapshot_download(source, cache_dir=terms.cache_folder(hf_home), token=token or False, allow_patterns=list(wanted))
