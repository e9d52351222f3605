"""Which of a message's pictures an edit is about: “image 2” in its words picks. Pure.

The member counts what he sees: the message's pictures first, then the files of his own reply. The model counts what it
gets, so the words are renumbered.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.language import _, listed
from bot.ledger.job import Job
from flux2.prompting import indexing
from flux2.request import GenerationRequest


@dataclass(frozen=True)
class Pick:
    """The chosen pictures by number, the words for the model, and what is to be said."""

    numbers: tuple[int, ...]
    instruction: str
    notes: tuple[str, ...] = ()


def pick(instruction: str, shown: int, extra: int = 0, *, first: int | None = None) -> Pick:
    """Choose among `shown` pictures of the message, with `extra` files following. Raises InvalidRequest.

    `first` was picked otherwise than by the words, and is the one that is edited; those that are named come after it.
    Where none is picked or named, it is the first of the message.
    """
    indexing.check(instruction, shown + extra)
    if shown == 1:
        return Pick((1,), instruction)
    named = tuple(number for number in indexing.named(instruction) if 1 <= number <= shown)
    if first is not None:
        named = (first, *(number for number in named if number != first))
    chosen = named or (1,)
    numbers = {old: new for new, old in enumerate(chosen, start=1)}
    numbers |= {shown + one: len(chosen) + one for one in range(1, extra + 1)}
    if not named:
        said = _("The first of the {shown} pictures was edited; say “image 2” to pick another.").format(shown=shown)
    elif len(named) == 1:
        said = _("Image {number} of the {shown} pictures was edited.").format(number=named[0], shown=shown)
    else:
        said = _("Images {numbers} of the {shown} pictures were taken together.").format(
            numbers=listed([str(number) for number in named]), shown=shown
        )
    return Pick(chosen, indexing.renumbered(instruction, numbers), (said,))


def choices(job: Job) -> tuple[str, ...]:
    """What the job's pictures are called where one of them is asked for; the sheet of a list's pictures is none."""
    request = job.request
    variants = request.variants if isinstance(request, GenerationRequest) else ()
    count = len(variants) or len(job.pictures)
    names = (_("Image {number}").format(number=number) for number in range(1, count + 1))
    if not variants:
        return tuple(names)
    return tuple(f"{name} · {variant.label}" for name, variant in zip(names, variants, strict=True))
