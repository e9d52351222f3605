"""Every error has its code, and only texts written for members reach members."""

from __future__ import annotations

import pytest

from flux2 import errors
from worker import failures
from worker.blobs import BlobMissing
from worker.contract import FailureCode


def tree(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(found for child in root.__subclasses__() for found in tree(child))]


OURS = [kind for kind in tree(errors.Flux2Error)[1:] if kind.__module__ == errors.__name__]
"""Those of other modules are their own business, and which of them exist depends on what was imported."""


@pytest.mark.parametrize("kind", OURS)
def test_every_error_of_ours_stands_in_the_table(kind: type[Exception]) -> None:
    """A new class in flux2/errors.py needs a code of its own; INTERNAL is for what nobody foresaw."""
    assert kind in failures.TABLE
    assert failures.code(kind("x")) is not FailureCode.INTERNAL


def test_every_code_has_a_class() -> None:
    """All but POISONED, which nothing raises: the fence counts starts."""
    assert set(failures.TABLE.values()) == set(FailureCode) - {FailureCode.POISONED}


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), OSError("disk"), errors.Flux2Error("x")])
def test_the_unforeseen_is_internal(error: Exception) -> None:
    """Whatever is not in the table is our fault."""
    assert failures.code(error) is FailureCode.INTERNAL


def test_a_subclass_has_the_code_of_its_nearest_ancestor() -> None:
    """BlobMissing is a LookupError, and yet no KeyError is a missing blob."""
    assert failures.code(BlobMissing("x")) is FailureCode.BLOB_MISSING
    assert failures.code(LookupError("x")) is FailureCode.INTERNAL


def test_members_read_only_what_was_written_for_them() -> None:
    """Limits and advice yes; paths, hashes and the operator's business no."""
    assert failures.reason(errors.InvalidRequest("Send less.")) == "Send less."
    for error in (BlobMissing("/var/x"), ValueError("x"), errors.CheckpointUnavailable("/weights lack x")):
        assert failures.reason(error) is None
