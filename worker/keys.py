"""Whether hosted services take the keys an io worker has: asked of each by a call that costs nothing, and told on.

The bot has none of the keys, so its doctor reads here what became of them. The asking is done by a process that is
forked for it and gone within seconds: the supervisor runs no thread, and a name server that hangs must not hold it up.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

import httpx

from config.settings import DeliverySettings
from worker.contract import KeyState

_log = logging.getLogger(__name__)

_EVERY_S = 900.0
_TIMEOUT_S = 10.0
_PATIENCE_S = 60.0
"""A process that asks for longer than this is stuck in a name server."""


@dataclass(frozen=True)
class Key:
    """A key, and where it is proved."""

    setting: str
    url: str
    secret: str


def of(settings: DeliverySettings) -> list[Key]:
    """The keys that are set."""
    key = settings.openrouter_api_key
    if key is None:
        return []
    # What the key may still spend; any valid key may ask.
    return [Key("OPENROUTER_API_KEY", f"{settings.openrouter_base_url}/key", key.get_secret_value())]


def prove(key: Key) -> KeyState:
    """Ask the service. Raises nothing."""
    try:
        answer = httpx.get(key.url, headers={"Authorization": f"Bearer {key.secret}"}, timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        _log.warning("%s could not be proved: %s", key.setting, type(error).__name__)
        return "unreachable"
    if answer.status_code in (401, 403):
        _log.error("the service refuses %s (%d); set a valid one, or remove it", key.setting, answer.status_code)
        return "refused"
    return "accepted" if answer.is_success else "unreachable"


class Proof:
    """What is known of some keys. `tend` it every few seconds, from the main thread."""

    def __init__(self, keys: Sequence[Key], close: Callable[[], None]) -> None:
        """`close` lets go, in the forked process, of what only its parent should hold open."""
        self._keys = keys
        self._close = close
        self._asks: tuple[ForkProcess, Connection] | None = None
        self._begun_at = 0.0
        self._states: dict[str, KeyState] = {}

    @property
    def states(self) -> Mapping[str, KeyState]:
        """By setting; empty until the first answer."""
        return self._states

    def tend(self) -> None:
        """Take an answer if there is one, and ask again when it is time."""
        if self._asks is not None:
            self._look(*self._asks)
        elif self._keys and (not self._begun_at or time.monotonic() - self._begun_at > _EVERY_S):
            self._begin()

    def _begin(self) -> None:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=self._main, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        self._asks, self._begun_at = (process, ours), time.monotonic()

    def _look(self, process: ForkProcess, answers: Connection) -> None:
        if answers.poll(0):
            with contextlib.suppress(EOFError):  # it died: what was known stands
                self._states = answers.recv()
        elif time.monotonic() - self._begun_at < _PATIENCE_S:
            return
        else:
            self._states = dict.fromkeys((key.setting for key in self._keys), "unreachable")
        process.kill()
        process.join()
        process.close()
        answers.close()
        self._asks = None

    def _main(self, answers: Connection) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        self._close()
        answers.send({key.setting: prove(key) for key in self._keys})
