"""What members read about a job while it waits, runs and ends. Pure: values in, words out.

Declines to know when anything is said and where; the message that carries the pictures is worded in bot/skeletons.py.
"""

from __future__ import annotations

import discord

from bot.language import N_, _, listed
from bot.ledger.job import Job, Outcome, Place, State
from flux2.upsampling.request import DescribeRequest, WordsRequest
from flux2.upscaling.request import UpscaleRequest
from worker.contract import FailureCode, Progress, Request

MAX_CONTENT = 2000
"""Characters of a message; Discord's own cap."""
_BAR_CELLS = 10
_LINE_BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " "})

FAILURES: dict[FailureCode, str] = {
    FailureCode.INVALID_REQUEST: N_("The model cannot draw this: {reason} Press Edit to change it."),
    FailureCode.REFUSED: N_(
        "This was not drawn because it is not allowed: {reason} Press Edit to word it differently."
    ),
    FailureCode.OUT_OF_MEMORY: N_(
        "The picture did not fit into the GPU's memory; ask for a smaller size or fewer images."
    ),
    FailureCode.CHECKPOINT_UNAVAILABLE: N_("The model's files cannot be read; tell whoever runs this bot."),
    FailureCode.POISONED: N_("Drawing this broke down twice, so it was given up; try a smaller size or fewer images."),
    FailureCode.BLOB_MISSING: N_("A reference image is no longer stored; attach it again with /imagine."),
    FailureCode.UPSAMPLING_FAILED: N_(
        "No better words were found: {reason} Press Again, or draw your own with /imagine."
    ),
    FailureCode.INTERNAL: N_(
        "Something went wrong on our side; press Again, and if it stays tell whoever runs this bot."
    ),
}
"""One sentence per failure; `{reason}` is filled by delivery with the error's own text."""
_WITHOUT_REASON: dict[FailureCode, str] = {
    FailureCode.INVALID_REQUEST: N_("The model cannot draw this. Press Edit to change it."),
    FailureCode.REFUSED: N_("This was not drawn because it is not allowed. Press Edit to word it differently."),
    FailureCode.UPSAMPLING_FAILED: N_("No better words were found. Press Again, or draw your own with /imagine."),
}


def shorten(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int) -> str:
    """Return member-written `text` on one line of at most `limit` characters before escaping, with nothing in it
    that formats, pings or unfurls."""
    line = shorten(" ".join(text.translate(_LINE_BREAKS).split()), limit)
    # A zero-width space after the colon keeps a link from unfolding into somebody else's embed.
    unlinked = line.replace("://", ":\u200b//")
    escaped = discord.utils.escape_markdown(unlinked, as_needed=False)
    return discord.utils.escape_mentions(escaped).replace("<", "\\<")


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th …"""
    endings = {1: _("{number}st"), 2: _("{number}nd"), 3: _("{number}rd")}
    ending = None if number % 100 in {11, 12, 13} else endings.get(number % 10)
    return (ending or _("{number}th")).format(number=number)


def duration(seconds: float) -> str:
    """Seconds in words that do not pretend to be exact."""
    if seconds < 8:
        return _("a few seconds")
    if seconds < 90:
        return _("about {seconds} s").format(seconds=5 * round(seconds / 5))
    if seconds < 90 * 60:
        return _("about {minutes} min").format(minutes=round(seconds / 60))
    return _("about {hours} h").format(hours=round(seconds / 3600))


def elapsed(seconds: float) -> str:
    """Measured seconds: tenths where they matter, minutes where seconds do not."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)


def bar(done: int, total: int) -> str:
    """A bar and its figures: ▰▰▰▱▱▱▱▱▱▱ 8/28."""
    filled = _BAR_CELLS * min(done, total) // max(total, 1)
    return f"{'▰' * filled}{'▱' * (_BAR_CELLS - filled)} {done}/{total}"


def queued(
    place: Place | None,
    *,
    moment: int | None = None,
    loading: int | None = None,
    paused: str | None = None,
    is_abandoned: bool = False,
) -> str:
    """The line of a waiting job: its place, when it will be done or what keeps it, and who goes first.

    `moment`, in Unix seconds, is counted down by Discord; without it an estimate is a matter of seconds.
    """
    parts = [_("Queued") if place is None else _("Next in the queue") if place.position == 1 else ordinal_place(place)]
    if paused is not None:
        parts.append(_("paused: {reason}").format(reason=plain(paused, 200)) if paused else _("paused"))
    elif loading is not None:
        parts.append(_("model loading, {loading} %").format(loading=loading))
    elif is_abandoned:
        parts.append(_("no GPU is running right now, but the place is kept"))
    elif place is not None and place.eta_s is not None:
        # Not “done”: where it takes longer after all, the moment passes and Discord counts on.
        when = _("in a few seconds") if moment is None else f"<t:{moment}:R>"
        parts.append(_("expected {when}").format(when=when))
    if place is not None and (reason := ahead(place)):
        parts.append(reason)
    return " · ".join(parts)


def ordinal_place(place: Place) -> str:
    """“Queued 3rd”."""
    return _("Queued {place}").format(place=ordinal(place.position))


def ahead(place: Place) -> str:
    """Why a job waits: whose jobs go first. Empty when it is next."""
    first = [_("{count} of yours").format(count=place.own_ahead)] if place.own_ahead else []
    first += [_("{count} from others").format(count=place.others_ahead)] if place.others_ahead else []
    return _("after {whose}").format(whose=listed(first)) if first else ""


def drawing(progress: Progress | None, request: Request) -> str:
    """The line of a running job. Steps are those of all its pictures, or of all tiles of a large one, together."""
    if isinstance(request, UpscaleRequest):
        return _enlarging(progress)
    if isinstance(request, WordsRequest):
        return wording(request)
    steps = request.denoising_steps * request.count
    if progress is None:
        return _("Drawing") + " · " + bar(0, steps)
    match progress.phase:
        case "rewrite":
            return _("Rewriting the prompt")
        case "references" | "encode":
            return _("Reading the prompt") + " · " + bar(0, steps)
        case "denoise":
            return _("Drawing") + " · " + bar(progress.step, progress.steps)
        case "decode" | "save":
            return _("Finishing the picture") if request.count == 1 else _("Finishing the pictures")


def wording(request: Request) -> str:
    """The line of a job that a language model is at."""
    looks = isinstance(request, DescribeRequest | UpscaleRequest)
    return _("Describing the picture") if looks else _("Rewriting the prompt")


def _enlarging(progress: Progress | None) -> str:
    # How many tiles there are is the worker's to know.
    if progress is None or progress.phase in ("references", "encode"):
        return _("Reading the picture")
    if progress.phase == "denoise":
        return _("Adding detail") + " · " + bar(progress.step, progress.steps)
    return _("Finishing the picture")


def jump_url(guild_id: int | None, channel_id: int, message_id: int) -> str:
    """A link to a message."""
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def result_url(job: Job) -> str | None:
    """A link to the message with the pictures, once it is posted."""
    if job.result_channel_id is None or job.result_message_id is None:
        return None
    to = job.destination
    # What is in none of the job's channels went to its requester by DM, and a DM is in no server.
    is_dm = to and job.result_channel_id not in (to.channel_id, to.fallback_channel_id, job.channel_id)
    if job.is_private and not is_dm:
        # Discord opens no link to what one member alone sees.
        return None
    guild_id = to.guild_id if to else job.guild_id
    return jump_url(None if is_dm else guild_id, job.result_channel_id, job.result_message_id)


def too_long(wait_s: float | None) -> str:
    """Why nothing is begun that only an answer could bring; None: nobody knows the wait, as pictures are paused."""
    if wait_s is None:
        reason = _("Pictures are paused just now")
    else:
        reason = _("The wait is {duration} now").format(duration=duration(wait_s))
    way = _("an answer here can reach you for 15 minutes only; ask on a server I am on, without private, or later.")
    return f"{reason}, {way}"


def late() -> str:
    """What is said with a result that no answer could bring any more."""
    return _("Discord took no answer where you asked any more (it allows 15 minutes), so it comes here.")


def expiring() -> str:
    """What the status message of such a job says at last."""
    return _(
        "This takes longer than the 15 minutes in which I may answer here: it comes by direct message if I may write "
        "to you, and /history has it."
    )


def closed(job: Job) -> str:
    """The last line a job's status message shows."""
    match job.outcome:
        case Outcome.CANCELLED:
            return _("Cancelled")
        case Outcome.UNDELIVERABLE:
            return _("Done, but Discord did not let me post it; open /jobs to get it")
        case Outcome.FAILED:
            return _("Not drawn") + " · " + (result_url(job) or failure(job))
        case _:
            parts = [_("Done"), None if job.seconds is None else elapsed(job.seconds), result_url(job)]
            return " · ".join(part for part in parts if part)


def line(job: Job, progress: Progress | None = None) -> str:
    """One line for where `job` stands, from its state first; `queued` says more of a waiting one."""
    if job.state is State.CLOSED:
        return closed(job)
    if job.cancel_requested:
        return _("Cancelling …")
    match job.state:
        case State.RUNNING:
            return drawing(progress, job.request)
        case State.REWRITING:
            return wording(job.request)
        case State.DELIVERING if job.failure is not None:
            return _("Not drawn")
        case State.DELIVERING if isinstance(job.request, WordsRequest):
            return _("Posting the words")
        case State.DELIVERING:
            return _("Posting the picture") if job.request.count == 1 else _("Posting the pictures")
        case _:
            return queued(None)


def failure(job: Job) -> str:
    """Why a closed job has no picture, where no message says it."""
    code = job.failure or FailureCode.INTERNAL
    return _(_WITHOUT_REASON.get(code, FAILURES[code]))


def sentence(code: FailureCode) -> str:
    """Why there is no picture, as a template for the notice that says so."""
    return _(FAILURES[code])
