"""Whether a prompt gains by being rewritten: it asks for wording, for instructions to be read, for reasoning.

Pure. Plain short prompts gain little, structured ones are detailed already, and a rewritten one is never rewritten.
"""

from __future__ import annotations

import re

from flux2.language import _
from flux2.prompting import scene

_LETTERING = re.compile(
    r"\b(?:memes?|posters?|flyers?|infographics?|signs?|signage|logos?|labels?|captions?|comics?|speech bubbles?|"
    r"headlines?|titles?|slogans?|menus?|book covers?|album covers?|magazine covers?|typography|lettering|"
    r"banners?|billboards?|cheat ?sheets?|invitations?|business cards?|screenshots?|mock-?ups?)\b"
    r"|\b(?:that|which) says\b|\bread(?:s|ing)?:? *[\"“'‘]|\bwith (?:the )?(?:text|words)\b",
    re.I,
)
_MARKED = re.compile(
    r"\b(?:follow|read|do what|execute|apply|solve|interpret)\b[^.]{0,40}\b(?:instructions?|notes?|arrows?|diagram|"
    r"annotations?|markings?|sketch|drawing|text)\b|\b(?:red|blue|green|drawn|marked) (?:arrows?|circles?|box(?:es)?)\b"
    r"|\bwhat (?:the|this) [\w ]{0,20}arrow\b",
    re.I,
)
_REASONING = re.compile(
    r"\b(?:algorithm|flow ?chart|source code|python|javascript|rust code|c\+\+|function|pseudocode|equation|formula|"
    r"theorem|proof|integral|derivative|matrix|math(?:s|ematics|ematical)?|geometry|graph of|plot of|binary search|"
    r"sorting|timeline|step[- ]by[- ]step|how (?:to|does|do)|explain(?:s|ing)?|diagram|calculat\w+|solution)\b"
    r"|\d\s*[+*/=^]\s*\d|[∫∑√πΔ≤≥]",
    re.I,
)


def reason(prompt: str, *, has_images: bool = False) -> str | None:
    """Return what in `prompt` a rewrite would work out (“lettering” …), or None where it would gain little."""
    if scene.is_json(prompt):
        return None
    if has_images and _MARKED.search(prompt):
        return _("instructions in the picture")
    if _LETTERING.search(prompt):
        return _("lettering")
    return _("something to work out") if _REASONING.search(prompt) else None
