"""What a job is called, kind by kind: on its status message, its thread, in lists and to screen readers. Pure.

A new kind of request gets its words here.
"""

from __future__ import annotations

from bot.language import _
from bot.ledger.job import Job, NewJob
from bot.presenter import plain, shorten
from flux2.prompting.wording import plain_words
from flux2.request import GenerationRequest
from flux2.upsampling.request import DescribeRequest, RewriteRequest
from flux2.upscaling.request import UpscaleRequest
from worker.contract import Request
from worker.template import literal

_HEADLINE = 200
_THREAD = 90
_ALT_TEXT = 1024
"""Characters Discord takes as an attachment's description."""


def of(job: NewJob, limit: int) -> str:
    """As `title`, in the member's own words."""
    return title(job.request, limit, job.asked)


def title(request: Request, limit: int, asked: str = "") -> str:
    """The job on one line of a message; `limit` cuts what a member wrote, `asked` goes before the prompt."""
    match request:
        case GenerationRequest():
            words = plain(plain_words(asked or request.prompt), limit)
            return _("Variation of “{prompt}”").format(prompt=words) if request.init_image else f"“{words}”"
        case UpscaleRequest():
            return _("Upscale {factor:.3g}× to {width}×{height}").format(
                factor=request.factor, width=request.width, height=request.height
            )
        case RewriteRequest():
            return _("Rewrite “{prompt}”").format(prompt=plain(request.prompt, limit))
        case DescribeRequest():
            return _("Describe a picture")


def status(job: Job, text: str) -> str:
    """The whole status message: what was asked, and `text` below it."""
    return f"{of(job, _HEADLINE)}\n{text}"


def thread_name(request: Request, asked: str = "") -> str:
    """The job as a thread's name: 1 to 100 characters on one line, unescaped."""
    match request:
        case GenerationRequest():
            return shorten(" ".join(plain_words(asked or request.prompt).split()), _THREAD) or _("picture")
        case UpscaleRequest():
            return title(request, _THREAD)
        case RewriteRequest():
            return shorten(_("Rewrite “{prompt}”").format(prompt=" ".join(request.prompt.split())), _THREAD)
        case DescribeRequest():
            return title(request, _THREAD)


def alt_text(request: Request, number: int = 0) -> str:
    """What a screen reader says of the job's pictures, or of that `number`, unescaped."""
    match request:
        case GenerationRequest():
            drawn = request.variants[number - 1].prompt if 0 < number <= len(request.variants) else request.prompt
            words = " ".join(plain_words(drawn).split())
            return shorten(_("AI-generated picture: {prompt}").format(prompt=words), _ALT_TEXT)
        case UpscaleRequest():
            words = " ".join((request.prompt or request.recipe).split())
            said = _("Picture enlarged to {width}×{height} by AI").format(width=request.width, height=request.height)
            return shorten(f"{said}: {words}" if words else said, _ALT_TEXT)
        case RewriteRequest() | DescribeRequest():
            return ""


def alt_text_template(request: Request) -> str:
    """The same as a template: delivery fills in the prompt that was drawn in the end, which may be a rewritten one."""
    if isinstance(request, GenerationRequest):
        return _("AI-generated picture: {prompt}")
    return literal(alt_text(request))
