"""One table: exception class -> FailureCode. Words are the bot's, traces are the log's."""

from __future__ import annotations

from flux2 import errors
from worker.blobs import BlobMissing
from worker.contract import FailureCode

TABLE: dict[type[Exception], FailureCode] = {
    errors.InvalidRequest: FailureCode.INVALID_REQUEST,
    errors.ScreeningRefused: FailureCode.REFUSED,
    errors.UpsamplingFailed: FailureCode.UPSAMPLING_FAILED,
    errors.OutOfMemory: FailureCode.OUT_OF_MEMORY,
    errors.CheckpointUnavailable: FailureCode.CHECKPOINT_UNAVAILABLE,
    BlobMissing: FailureCode.BLOB_MISSING,
    Exception: FailureCode.INTERNAL,
}
"""POISONED has no class: nothing is raised, the fence counts starts."""


def code(error: Exception) -> FailureCode:
    """Return the code of the nearest class that stands in the table."""
    return next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)


def reason(error: Exception) -> str | None:
    """Return the sentence a member may read: the texts of our own tree, but for those meant for the operator."""
    if not isinstance(error, errors.Flux2Error) or isinstance(error, errors.CheckpointUnavailable):
        return None
    return str(error) or None
