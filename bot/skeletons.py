"""Words the message that delivery will post: text, alt text, buttons and one notice per failure. Pure.

Everything delivery needs is settled here at accept, so that it knows neither wording nor buttons of its own.
"""

from __future__ import annotations

from typing import Any

from bot import presenter, titles
from bot.interactions.custom_id import Verb, custom_id
from bot.language import _
from flux2.prompting.scene import is_json
from flux2.request import GenerationRequest
from flux2.upsampling.request import RewriteRequest, WordsRequest
from flux2.upscaling.request import UpscaleRequest
from worker.contract import SPOILER, FailureCode, Request, Skeleton
from worker.template import literal

_PROMPT_SHOWN = 400
_ACTION_ROW, _BUTTON = 1, 2
_PRIMARY, _SECONDARY = 1, 2


def _button(label: str, verb: Verb, job_id: str, style: int = _SECONDARY) -> dict[str, Any]:
    return {"type": _BUTTON, "style": style, "label": label, "custom_id": custom_id(verb, job_id)}


def _row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": _ACTION_ROW, "components": list(buttons)}


def result_text(request: Request, user_id: int, came_from: str = "", asked: str = "") -> str:
    """The content of the message with the result, as a template."""
    if isinstance(request, WordsRequest):
        return _words_text(request, user_id)
    title = literal(titles.title(request, _PROMPT_SHOWN, asked))
    figures = (literal(presenter.plain(request.model, 60)), "{size}", _("seed {seed}"), "{seconds} s")
    told = " · ".join((_("AI-generated"), *figures))
    drawn = "> {prompt}\n" if isinstance(request, GenerationRequest) and request.upsample != "none" else ""
    line = f"-# {literal(came_from)}\n" if came_from else ""
    return f"<@{user_id}> {title}\n{drawn}-# {told}\n{line}{_caption(request)}{{notes}}"


def _words_text(request: WordsRequest, user_id: int) -> str:
    """A description is quoted, a JSON prompt stands in a block, a rewrite shows what it changes."""
    if isinstance(request, RewriteRequest):
        shown = "{block}" if request.structured or is_json(request.prompt) else "{diff}"
        told = [_("AI-written"), *([_("~~dropped~~ **added**")] if shown == "{diff}" else []), "{seconds} s"]
    else:
        shown, told = "{words}", [_("AI-written description"), "{seconds} s"]
    return f"<@{user_id}> {shown}\n-# {' · '.join(told)}\n{{notes}}"


def _caption(request: Request) -> str:
    # What steered an upscale is known only afterwards, and without a model nothing did.
    is_captioned = isinstance(request, UpscaleRequest) and request.method == "flux"
    return "-# " + _("Caption: {words}") + "\n" if is_captioned else ""


def skeleton(
    job_id: str,
    request: Request,
    user_id: int,
    file_size_limit: int,
    *,
    has_spoiler: bool = False,
    came_from: str = "",
    asked: str = "",
    late: str = "",
) -> Skeleton:
    """Word everything that may be posted for the job. `file_size_limit` in bytes, as Discord stated it at accept.

    With `has_spoiler` the pictures are shown behind a click: Discord goes by the beginning of the file's name.
    `came_from` is the line of the versions before (bot/lineage.py), `asked` what the member wrote where the prompt is
    worded differently for the model, `late` what is said where no answer was possible.
    """
    again = _button(_("Again"), Verb.AGAIN, job_id, _PRIMARY)
    vary = _button(_("Vary"), Verb.VARY, job_id)
    edit = _button(_("Edit"), Verb.EDIT, job_id)
    upscale = _button(_("Upscale"), Verb.UPSCALE, job_id)
    more = _button(_("More…"), Verb.MORE, job_id)
    row = _row(again, vary, edit, upscale, more)
    if isinstance(request, WordsRequest):
        use, reword = _button(_("Use"), Verb.USE, job_id, _PRIMARY), _button(_("Edit"), Verb.REWORD, job_id)
        is_rewrite = isinstance(request, RewriteRequest)
        row = _row(use, reword, *([_button(_("Original"), Verb.ORIGINAL, job_id)] if is_rewrite else []))
    return Skeleton(
        content=result_text(request, user_id, came_from, asked),
        components=(row,),
        alt_text=titles.alt_text_template(request),
        mentions=(user_id,),
        nonce=f"r{job_id}",
        file_stem=f"{SPOILER if has_spoiler else ''}flux2-{job_id}",
        file_size_limit=file_size_limit,
        failures={code: f"<@{user_id}> {presenter.sentence(code)}" for code in FailureCode},
        failure_components=(_row(again) if isinstance(request, WordsRequest) else _row(again, edit),),
        failure_nonce=f"n{job_id}",
        late=late,
    )
