"""A picture without Discord: `python -m flux2 <verb>`.

Owns the exit status and the words for what went wrong; the verbs are in flux2/terminal, one per module. The request,
its limits and the drawing are the same as the bot's. Paths alone on stdout, everything else on stderr. Exit 0, 1
refused or failed, 2 usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from flux2.errors import Flux2Error
from flux2.terminal import draw, interactive, upscale, words

_VERBS = (draw, words, interactive, upscale)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except Flux2Error as refusal:
        return _say(str(refusal), 1)
    except OSError as failure:
        return _say(f"{failure.filename or 'The file'}: {failure.strerror or failure}.", 1)
    except KeyboardInterrupt:
        return _say("Stopped; nothing was written.", 130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flux2", description="Draw with FLUX.2 from the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="verb")
    for verb in _VERBS:
        verb.add(commands)
    return parser


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
