"""Who rewrites on a terminal: flags for it, and the upsampler they name. The key comes from a file, never from flags:
those are shown by every process list.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flux2.errors import InvalidRequest
from flux2.upsampling.port import Upsampler

if TYPE_CHECKING:
    from flux2.engine import Engine

_MAX_KEY = 4096


def add_flags(command: argparse.ArgumentParser) -> None:
    """Add --openrouter-key-file, --openrouter-model and --openrouter-url."""
    command.add_argument(
        "--openrouter-key-file", type=Path, metavar="FILE", help="file that holds OpenRouter's API key"
    )
    command.add_argument("--openrouter-model", help="which hosted model rewrites; default: one that sees pictures")
    command.add_argument("--openrouter-url", help=argparse.SUPPRESS)


@contextlib.contextmanager
def opened(
    route: str, options: argparse.Namespace, load: Callable[[], Engine], *, model: str | None = None, seed: int = 0
) -> Iterator[Upsampler]:
    """The upsampler of `route`, local or openrouter; `load` is called for the first alone.

    Raises InvalidRequest without a key, CheckpointUnavailable, OSError.
    """
    if route == "local":
        engine = load()
        from flux2.upsampling.local import Local

        yield Local(engine, seed=seed)
        return
    try:
        from flux2.upsampling.openrouter import BASE_URL, DEFAULT_MODEL, Access, OpenRouter
    except ModuleNotFoundError as absent:
        raise InvalidRequest("OpenRouter needs httpx; install it with pip install httpx.") from absent
    access = Access(
        api_key=_key(options.openrouter_key_file),
        base_url=options.openrouter_url or BASE_URL,
        model=model or options.openrouter_model or DEFAULT_MODEL,
    )
    with OpenRouter(access) as upsampler:
        yield upsampler


def _key(file: Path | None) -> str:
    if file is None:
        raise InvalidRequest("OpenRouter needs a key; write it into a file and name that with --openrouter-key-file.")
    with file.open(encoding="utf-8") as opened_file:
        key = opened_file.read(_MAX_KEY).strip()
    if not key.isascii() or not key or len(key.split()) != 1:
        raise InvalidRequest(f"{file} holds no API key; it should hold the key alone.")
    return key
