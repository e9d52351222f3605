"""Cancel: takes a waiting job out of the queue or stops a running one, for its requester or an admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import ui

from bot import access, answers
from bot.dispatcher import CancelResult
from bot.interactions.base import JobButton, job_of, note
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _
from bot.ledger.job import Job, Outcome
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot
    from bot.services import Services


class CancelButton(JobButton, template=template(Verb.CANCEL)):
    """Stands on status messages and in the answer of /jobs."""

    verb = Verb.CANCEL
    text = N_("Cancel")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Cancel; the status message tells the rest."""
        job = await job_of(interaction, self.job_id, as_it_is=True)
        access.require_owner_of(job, interaction)
        if not await answers.acknowledge(interaction):
            return
        sentence = await cancel(job, interaction.client.services)
        await note(interaction, job, "cancel")
        if interaction.message is not None and interaction.message.flags.ephemeral:
            await interaction.followup.send(sentence, ephemeral=True)


async def cancel(job: Job, services: Services) -> str:
    """Cancel the job and say what that did. Raises Refusal where it is too late."""
    result = await services.dispatcher.cancel(job.id)
    await services.narration.refresh(job.id)
    match result:
        case CancelResult.DROPPED:
            return _("Cancelled before it was begun.")
        case CancelResult.STOPPING:
            return _("Cancelling; it stops at the next step.")
        case CancelResult.TOO_LATE:
            raise Refusal(_too_late(await services.ledger.get(job.id)))


def _too_late(job: Job | None) -> str:
    if job is not None and job.outcome is Outcome.CANCELLED:
        return _("This is cancelled already.")
    return _("It is too late to cancel: this is finished already.")


def cancel_view(*job_ids: str) -> ui.View:
    """A view with a Cancel button for each job, numbered when there are several."""
    view = ui.View(timeout=None)
    for number, job_id in enumerate(job_ids, start=1):
        view.add_item(CancelButton(job_id, _("Cancel {number}").format(number=number) if len(job_ids) > 1 else None))
    return view
