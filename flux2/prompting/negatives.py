"""Negative prompts, which FLUX.2 does not have: found in the usual spellings, and answered with positive words.

Plain sentences (“a street without people”) are left to the model. Declines to rewrite by itself: the member decides.
"""

from __future__ import annotations

import re

from flux2.errors import InvalidRequest
from flux2.language import _
from flux2.prompting import quotes

_FLAG = re.compile(
    r"(?<!\S)(?:--|—|–)(?:no|neg|negative|negative[-_ ]prompt)\b[ \t:=]*(?P<what>[^\n]*?)(?=\s*(?:--|—|–)\w|\n|$)", re.I
)
_LABEL = re.compile(r"\bnegative[-_ ]?prompts?\s*[:=]\s*(?P<what>[^\n]*)", re.I)
_KEYS = frozenset({"negative", "negatives", "negative_prompt", "negative-prompt", "negative prompt"})

_POSITIVE = (
    ("watermark|signature|logo", "a clean, unmarked picture"),
    ("text|words?|letters?|lettering|writing|captions?|typography", "clean, unlettered surfaces"),
    ("fingers?|hands?|limbs?|arms?|legs?", "natural hands at rest"),
    ("people|persons?|humans?|crowds?|tourists?|man|men|woman|women", "a deserted, untouched place"),
    ("blur|blurry|bokeh|unfocused", "everything in sharp focus"),
    ("noise|grain|grainy|artifacts?|jpeg", "a smooth, clean image"),
    ("background|clutter|mess", "a plain, uncluttered background"),
    ("cars?|traffic|vehicles?", "an empty street"),
    ("clouds?|rain|storm", "a clear sky"),
    ("shadows?", "soft, even light"),
    ("dark|darkness|underexposed", "bright light"),
    ("colou?rs?", "black and white"),
    ("borders?|frames?", "the scene filling the whole picture"),
    ("cropped|crop|cut off", "the whole subject in view"),
    ("glasses", "bare eyes"),
    ("hats?", "a bare head"),
    ("beard|moustache", "a clean-shaven face"),
    ("smile|smiling", "a calm, serious face"),
    ("ugly|deformed|disfigured|mutated|anatomy|distorted", "well-formed, natural proportions"),
    ("quality|lowres|low res|amateur", "fine detail, professional quality"),
)
"""What is unwanted, as a pattern of words, and what stands there instead."""


class NegativePrompt(InvalidRequest):
    """The prompt says what should not be there; `positive` is the same wish in positive words."""

    def __init__(self, sentence: str, positive: str) -> None:
        super().__init__(sentence)
        self.positive = positive


def refuse_text(prompt: str) -> None:
    """Raise NegativePrompt where plain text holds `--no x`, `negative prompt: x` or a spelling of them."""
    visible = quotes.without(prompt)
    found = [match for pattern in (_FLAG, _LABEL) for match in pattern.finditer(visible)]
    if not found:
        return
    kept = visible
    unwanted: list[str] = []
    for match in found:
        kept = kept[: match.start()] + "\0" * len(match[0]) + kept[match.end() :]
        unwanted += re.split(r"[,;]|\band\b", match["what"])
    words = "".join(char for char, shown in zip(prompt, kept, strict=True) if shown != "\0")
    raise _refusal(words, [one for word in unwanted if (one := word.strip(" .,"))])


def refuse_key(key: str, value: object) -> None:
    """Raise NegativePrompt where a key of a JSON prompt asks for one."""
    if key.strip().lower() in _KEYS:
        raise _refusal("", re.split(r"[,;]", value) if isinstance(value, str) else [])


def _refusal(words: str, unwanted: list[str]) -> NegativePrompt:
    instead = dict.fromkeys(positive for one in unwanted if (positive := _positive(one)))
    unknown = [one.strip() for one in unwanted if one.strip() and _positive(one) is None]
    wish = ", ".join(filter(None, (re.sub(r"\s+", " ", words).strip(" ,.;-"), *instead)))
    return NegativePrompt(_sentence(", ".join(unknown)[:80], wish[:600] if instead else ""), wish)


def _sentence(unknown: str, example: str) -> str:
    if unknown and example:
        said = _(
            "FLUX.2 takes no negative prompts; leave out “{unknown}” and describe what is there instead, "
            "for example: “{example}”."
        )
    elif unknown:
        said = _("FLUX.2 takes no negative prompts; leave out “{unknown}” and describe what is there instead.")
    elif example:
        said = _("FLUX.2 takes no negative prompts; describe what is there instead, for example: “{example}”.")
    else:
        said = _("FLUX.2 takes no negative prompts; describe what is there instead.")
    return said.format(unknown=unknown, example=example)


def _positive(unwanted: str) -> str | None:
    for words, positive in _POSITIVE:
        if re.search(rf"\b(?:{words})\b", unwanted, re.I):
            return positive
    return None
