"""What became different from one version of a picture to the next, for a message. Pure."""

from __future__ import annotations

from collections.abc import Callable

from bot.language import N_, _, listed
from bot.ledger.job import Generation, Job
from bot.presenter import plain
from flux2 import region
from flux2.prompting import diff
from flux2.request import GenerationRequest
from flux2.upscaling.request import UpscaleRequest
from worker.contract import Request

_WORDS = 800
"""Characters of a prompt's changes, before escaping; of an instruction as well."""
_NONE = "–"

_FIELDS: tuple[tuple[str, Callable[[Request], object]], ...] = (
    (N_("Model"), lambda request: plain(request.model, 60)),
    (N_("Size"), lambda request: f"{getattr(request, 'width', _NONE)}×{getattr(request, 'height', _NONE)}"),
    (N_("Steps"), lambda request: getattr(request, "num_inference_steps", None)),
    (N_("Guidance"), lambda request: getattr(request, "guidance_scale", None)),
    # 1 is a picture drawn from nothing.
    (N_("Strength"), lambda request: None if getattr(request, "strength", 1) == 1 else getattr(request, "strength", 1)),
    (N_("Creativity"), lambda request: getattr(request, "creativity", None)),
    (N_("Seed"), lambda request: getattr(request, "seed", None)),
    (N_("Pictures"), lambda request: getattr(request, "count", None)),
    (N_("Reference images"), lambda request: len(request.reference_images)),
    (N_("Only there"), lambda request: _place(request)),
    (N_("Format"), lambda request: getattr(request, "output_format", None)),
    (N_("Quality"), lambda request: getattr(request, "output_quality", None)),
)
"""What is compared besides the words: its name, and how to find it in a request of any kind that has it."""


def told(before: Generation, after: Generation) -> str:
    """The changes, one a line: the words first, then every other value that is not the same."""
    lines = [f"**v{before.number} → v{after.number}**", _words(before, after.job)]
    for name, find in _FIELDS:
        was, became = find(before.job.request), find(after.job.request)
        if was != became:
            lines.append(f"{_(name)}: {_shown(was)} → {_shown(became)}")
    return "\n".join([*lines, "-# " + _("Everything else is the same.")])


def _words(before: Generation, after: Job) -> str:
    old, new = before.job.request, after.request
    if isinstance(new, UpscaleRequest):
        return _("The picture of v{number} was enlarged.").format(number=before.number)
    if _is_edit(before.job, new):
        change = plain(after.asked or new.prompt, _WORDS)
        return _("The picture of v{number} was changed: “{change}”").format(number=before.number, change=change)
    if old.prompt == new.prompt:
        return _("Prompt: the same")
    words = diff.told(old.prompt, new.prompt, lambda text: plain(text, _WORDS), _WORDS)
    return _("Prompt, ~~dropped~~ **added**: {words}").format(words=words)


def _is_edit(before: Job, new: Request) -> bool:
    """Whether the new one begins with a picture of the old, so that its words are an instruction."""
    first = new.reference_images[:1] if isinstance(new, GenerationRequest) else ()
    return any(picture.sha256 == one.sha256 for one in first for picture in before.pictures)


def _place(request: Request) -> str | None:
    if not isinstance(request, GenerationRequest) or not request.is_masked:
        return None
    return listed(
        [*([region.told(request.region)] if request.region else []), *([_("mask")] if request.mask_image else [])]
    )


def _shown(value: object) -> str:
    if value is None:
        return _NONE
    return f"{value:g}" if isinstance(value, float) else str(value)
