"""A member's own jobs as one ephemeral message: where each stands, buttons to cancel, buttons to post what got lost."""

from __future__ import annotations

from discord import ui

from bot import presenter, titles
from bot.interactions.cancel import cancel_view
from bot.interactions.show import ShowButton
from bot.language import _
from bot.ledger.job import Job
from bot.ledger.ledger import Ledger
from bot.narration import Narration

_OPEN_SHOWN = 15
_UNDELIVERED_SHOWN = 5
_PROMPT = 60


async def job_list(
    user_id: int, guild_id: int | None, ledger: Ledger, narration: Narration, left: str = ""
) -> tuple[str, ui.View]:
    """Return the text and its buttons; `left` says what may still be drawn today."""
    jobs = sorted(await ledger.open_jobs_of(user_id, guild_id), key=lambda job: job.created_at)[:_OPEN_SHOWN]
    lost = (await ledger.undelivered_of(user_id))[:_UNDELIVERED_SHOWN]
    lines = [await _open_line(number, job, narration) for number, job in enumerate(jobs, start=1)]
    view = cancel_view(*(job.id for job in jobs))
    if lost:
        lines.append(_("Drawn, but not posted:"))
    for number, job in enumerate(lost, start=1):
        lines.append(f"{number}. {titles.of(job, _PROMPT)} · {_when(job)}")
        view.add_item(ShowButton(job.id, _("Post again {number}").format(number=number) if len(lost) > 1 else None))
    text = "\n".join(lines) or _("You have no pictures waiting or being drawn; start one with /imagine.")
    if left:
        text += "\n" + left
    return presenter.shorten(text, presenter.MAX_CONTENT), view


async def _open_line(number: int, job: Job, narration: Narration) -> str:
    return f"{number}. {titles.of(job, _PROMPT)} · {await narration.where(job)}"


def _when(job: Job) -> str:
    return f"<t:{int(job.created_at.timestamp())}:R>"
