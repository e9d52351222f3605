"""`interactive`: a session on one loaded model. Enter draws, a line of words is the next prompt, name=value sets.

Owns the lines that are understood and what is answered. Sentences go to stderr, paths to stdout, so both can be piped.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flux2.errors import Flux2Error, InvalidRequest
from flux2.models import DEFAULT_MODEL, REGISTRY, Model
from flux2.prompting import styles
from flux2.terminal import draw, files, machine, order, progress, rewriters
from flux2.terminal.settings import Settings

if TYPE_CHECKING:
    from flux2.engine import Engine

_QUIT = frozenset({"quit", "q", "exit"})
_HELP = frozenset({"help", "h", "?"})
_HELP_TEXT = """\
  Enter, run          draw with what is set
  any words           become the prompt; press Enter to draw it
  name=value …        set one or several, e.g. width=768 height=768 seed=42 prompt="a cat in a hat"
  show                what is set
  reset               back to the model's defaults
  help, h, ?          this
  quit, q, exit       leave

  prompt              words, or a JSON prompt
  seed                whole number; none: a new one each time
  width, height       pixels; or size=1 (megapixels), size=1024x768, aspect=16:9
  num_steps           denoising steps (also: steps)
  guidance            how closely to follow the prompt, where the model takes it
  input_images        files, separated by commas (also: images)
  init_image          file to draw anew, as far as strength says: 0.05 to 1
  match_image_size    number of the input image, from 0, whose shape the picture takes
  upsample_prompt_mode   none, local or openrouter (also: upsample)
  openrouter_model    which model rewrites with openrouter
  count, format, quality, style, out     as the flags of `generate`
"""


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Register the verb."""
    summary = "draw again and again on one loaded model"
    command = commands.add_parser("interactive", help=summary, description=summary.capitalize() + ".")
    command.set_defaults(run=run)
    command.add_argument("settings", nargs="*", metavar="name=value", help="set before the first line is read")
    command.add_argument("--single-eval", action="store_true", help="draw once with what is set, and leave")
    command.add_argument("--styles", type=Path, default=draw.STYLES, metavar="FILE", help="TOML of styles")
    rewriters.add_flags(command)
    machine.add_flags(command)


def run(options: argparse.Namespace) -> int:
    """Read lines until the end, and return the exit status."""
    options.model = options.model or _chosen()
    model = machine.choose(options)
    session = Session(model, options)
    session.update(options.settings)
    if options.single_eval:
        session.draw()
        return 0
    session.say(session.settings.shown())
    while (line := _line("> ")) is not None:
        try:
            if session.obey(line):
                return 0
        except Flux2Error as refusal:
            session.say(f"  ! {refusal}\n")
        except OSError as failure:
            session.say(f"  ! {failure.filename or 'The file'}: {failure.strerror or failure}.\n")
        except KeyboardInterrupt:
            session.say("\n  ! Stopped; nothing was written.\n")
    return 0


class Session:
    """One model, loaded at the first picture, and what is set."""

    def __init__(self, model: Model, options: argparse.Namespace) -> None:
        self._model = model
        self._options = options
        self._styles = styles.read(options.styles) if options.styles.is_file() else {}
        self._engine: Engine | None = None
        self.settings = Settings()

    def obey(self, line: str) -> bool:
        """Do what a line says; return whether to leave. Raises Flux2Error, OSError."""
        word = line.strip().lower()
        if word in _QUIT:
            return True
        if word in _HELP:
            self.say(_HELP_TEXT)
        elif word == "show":
            self.say(self.settings.shown())
        elif word == "reset":
            self.settings = Settings()
            self.say(self.settings.shown())
        elif word in {"", "run"}:
            self.draw()
        elif _sets_something(line):
            self.update(_tokens(line))
            self.say(self.settings.shown())
        else:
            self._keep(self.settings.changed("prompt", line))
            self.say("  Enter draws it.\n")
        return False

    def update(self, tokens: Iterable[str]) -> None:
        """Set every `name=value`, or none of them. Raises InvalidRequest, OSError."""
        changed = self.settings
        for token in tokens:
            name, equals, value = token.partition("=")
            if not equals:
                raise InvalidRequest(f"“{token[:60]}” sets nothing; write name=value, and quote values with blanks.")
            changed = changed.changed(name.strip().lower(), value)
        self._keep(changed)

    def _keep(self, changed: Settings) -> None:
        """Take the values over if the model could draw with them."""
        wish = changed.wish(self._styles)
        order.place(self._model, wish if wish.prompt.strip() else replace(wish, prompt="anything"))
        self.settings = changed

    def draw(self) -> None:
        """Draw with what is set, and say where the pictures are. Raises Flux2Error, OSError, KeyboardInterrupt."""
        settings = self.settings
        placed = order.place(self._model, settings.wish(self._styles))
        written = files.prepare(settings.out, placed.request)
        mode, by = settings.upsample_prompt_mode, settings.openrouter_model
        placed = draw.reworded(placed, mode, self._options, self._loaded, by)
        from flux2.pipeline import generate

        with progress.bar(placed.request) as on_step:
            generation = generate(
                self._loaded(), placed.request, placed.references, init_image=placed.init_image, on_step=on_step
            )
        files.save(generation.images, placed.request, written)
        size = f"{placed.request.width}x{placed.request.height}"
        self.say(f"  {size}, seed {', '.join(map(str, placed.request.seeds))}\n")
        self.say("".join(f"  {note}\n" for note in (*placed.notes, *generation.notes)))
        sys.stdout.writelines(f"{file}\n" for file in written)
        sys.stdout.flush()

    def _loaded(self) -> Engine:
        if self._engine is None:
            self._engine = machine.load(self._model, self._options)
        return self._engine

    def say(self, text: str) -> None:
        """Show text that is no result."""
        sys.stderr.write(text)
        sys.stderr.flush()


def _sets_something(line: str) -> bool:
    name = line.partition("=")[0].strip().lower()
    return "=" in line and name.isidentifier()


def _tokens(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise InvalidRequest("The line has a quotation mark without its partner; add it.") from None


def _chosen() -> str:
    """Ask for a model where somebody sits at the terminal; the default elsewhere."""
    if not sys.stdin.isatty():
        return DEFAULT_MODEL
    names = list(REGISTRY)
    sys.stderr.writelines(f"  {number}. {name}\n" for number, name in enumerate(names, start=1))
    answer = (_line(f"Which model [{DEFAULT_MODEL}]? ") or "").strip()
    if answer.isdecimal() and 1 <= int(answer) <= len(names):
        return names[int(answer) - 1]
    return answer or DEFAULT_MODEL


def _line(question: str) -> str | None:
    """The next line; None at the end of the input and at Ctrl-C."""
    sys.stderr.write(question)
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        line = ""
    if not line:
        sys.stderr.write("\n")
        return None
    return line.rstrip("\n")
