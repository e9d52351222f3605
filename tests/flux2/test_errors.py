"""Errors that concern more than the one who meets them."""

from __future__ import annotations

from flux2 import errors


def test_a_dead_accelerator_is_told_from_a_bad_job() -> None:
    """Only errors of the driver mean that the process has to go."""
    assert errors.loses_the_device(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not errors.loses_the_device(RuntimeError("shape mismatch"))
    assert not errors.loses_the_device(errors.OutOfMemory("CUDA error"))
