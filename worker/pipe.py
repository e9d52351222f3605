"""The pipe between the gpu parent and its resident child: what is said on it, and how. Torch-free on both ends.

JSON over a private socket pair, never pickle: a child that went wrong cannot make its parent run anything. The parent's
end closing is how a child learns that its parent is gone.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Annotated, Literal

from pydantic import Field, SecretStr, TypeAdapter, field_serializer

from flux2.models import Model, Quantization
from flux2.request import Sha256
from flux2.screening.outfit import Screens
from flux2.screening.policy import Policy
from worker.contract import Phase, RenderResult, Request, Wire

_MAX_BYTES = 4 * 1024 * 1024


class Outfit(Wire):
    """Parent, first of all: what to load and where things lie. It travels here because settings are built once."""

    kind: Literal["outfit"] = "outfit"
    parent_pid: int
    model: Model
    hf_home: Path | None
    device: str
    cpu_offload: bool = False
    quantized: Quantization = "none"
    blob_url: str
    preview_interval_s: float = 0.0
    redis_url: SecretStr
    log_level: str
    log_json: bool
    screens: Screens = Screens()

    @field_serializer("redis_url")
    def _in_full(self, url: SecretStr) -> str:
        return url.get_secret_value()


class Order(Wire):
    """Parent: run this request. One at a time."""

    kind: Literal["order"] = "order"
    job_id: str
    attempt: int
    request: Request
    policy: Policy = Policy()


class Abandon(Wire):
    """Parent: stop this job at the next step; it is cancelled or belongs to somebody else."""

    kind: Literal["abandon"] = "abandon"
    job_id: str


class Ready(Wire):
    """Child: the model is loaded and stays so."""

    kind: Literal["ready"] = "ready"
    device: str
    """In words: the card's name, and how the model is kept on it."""
    card: str | None = None
    """UUID of a CUDA card."""
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None


class Unloadable(Wire):
    """Child: the weights cannot be loaded at all; trying again is useless. `reason` is for the operator."""

    kind: Literal["unloadable"] = "unloadable"
    reason: str


class Step(Wire):
    """Child: step `step` of `steps` in `phase` is done; 0 is the phase's beginning."""

    kind: Literal["step"] = "step"
    job_id: str
    phase: Phase
    step: int
    steps: int


class Preview(Wire):
    """Child: a small picture in the blobs shows what this one is becoming."""

    kind: Literal["preview"] = "preview"
    job_id: str
    sha256: Sha256


class Done(Wire):
    """Child: the job has its result, pictures or a failure."""

    kind: Literal["done"] = "done"
    result: RenderResult
    memory_used_bytes: int | None = None


class Cancelled(Wire):
    """Child: the job was stopped at a step, as asked."""

    kind: Literal["cancelled"] = "cancelled"
    job_id: str


ToChild = Annotated[Outfit | Order | Abandon, Field(discriminator="kind")]
ToParent = Annotated[Ready | Unloadable | Step | Preview | Done | Cancelled, Field(discriminator="kind")]
_TO_CHILD: TypeAdapter[ToChild] = TypeAdapter(ToChild)
_TO_PARENT: TypeAdapter[ToParent] = TypeAdapter(ToParent)


class PipeClosed(ConnectionError):
    """The other end is gone."""


class ParentEnd:
    """The parent's end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: ToChild) -> None:
        """Raises PipeClosed."""
        _send(self._connection, message)

    def receive(self, timeout_s: float) -> ToParent | None:
        """Return the next message, or None if there was none within `timeout_s`. Raises PipeClosed."""
        try:
            if not self._connection.poll(timeout_s):
                return None
            return _TO_PARENT.validate_json(self._connection.recv_bytes(_MAX_BYTES))
        except (EOFError, OSError) as gone:
            raise PipeClosed("the child is gone") from gone

    def close(self) -> None:
        """Close this end; the child notices."""
        self._connection.close()


class ChildEnd:
    """The child's end; any of its threads may send."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = Lock()

    def send(self, message: ToParent) -> None:
        """Raises PipeClosed."""
        with self._lock:
            _send(self._connection, message)

    def receive(self) -> ToChild:
        """Wait for the next message. Raises PipeClosed."""
        try:
            return _TO_CHILD.validate_json(self._connection.recv_bytes(_MAX_BYTES))
        except (EOFError, OSError) as gone:
            raise PipeClosed("the parent is gone") from gone


def _send(connection: Connection, message: Wire) -> None:
    try:
        connection.send_bytes(message.model_dump_json().encode())
    except OSError as gone:
        raise PipeClosed("nobody listens") from gone
