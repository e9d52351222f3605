"""Lists in a prompt: `{red|blue} fox` means one picture of each. Values only.

A JSON prompt has braces of its own and is never expanded; braces without a bar stay as they are.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.prompting import scene

MAX_VARIANTS = 9
"""Nine pictures and the sheet that shows them together fill the ten files of a message."""
_LIST = re.compile(r"\{([^{}|]*(?:\|[^{}|]*)+)\}")
_SPACES = re.compile(r" {2,}")


@dataclass(frozen=True)
class Variant:
    """One of the prompts, and the words by which it differs from the others."""

    prompt: str
    label: str


def has_lists(prompt: str) -> bool:
    """Whether `prompt` means several pictures."""
    return not scene.is_json(prompt) and _LIST.search(prompt) is not None


def expand(prompt: str) -> tuple[Variant, ...]:
    """Return every prompt that `prompt` means, the last list changing fastest; one without lists means itself.

    Raises InvalidRequest where there are more than MAX_VARIANTS or a list has the same words twice.
    """
    if not has_lists(prompt):
        return (Variant(prompt, ""),)
    lists = [tuple(word.strip() for word in match[1].split("|")) for match in _LIST.finditer(prompt)]
    for words in lists:
        if len(set(words)) < len(words):
            raise InvalidRequest(
                _("The list {{{words}}} has the same words twice; leave one out.").format(words="|".join(words))
            )
    pictures = math.prod(map(len, lists))
    if pictures > MAX_VARIANTS:
        raise InvalidRequest(
            _("The lists make {count} pictures, and {most} is the most; shorten them.").format(
                count=pictures, most=MAX_VARIANTS
            )
        )
    return tuple(_variant(prompt, chosen) for chosen in itertools.product(*lists))


def _variant(prompt: str, chosen: tuple[str, ...]) -> Variant:
    words = iter(chosen)
    # An empty choice leaves two blanks where its words would stand.
    filled = _SPACES.sub(" ", _LIST.sub(lambda _: next(words), prompt)).strip()
    return Variant(filled, " · ".join(word or "–" for word in chosen))
