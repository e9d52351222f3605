"""Back: the picture that this one came from, to go on from there; for whoever presses it alone.

What is drawn from there replies to that picture's own message, so that everybody sees where the line goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import answers, lineage, titles
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.interactions.show import buttons_of, files_again
from bot.language import N_, _
from bot.refusal import Refusal
from bot.sight import require_sight

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class BackButton(JobButton, template=template(Verb.BACK)):
    """Stands behind More… of a picture that came from another, and under each that Back shows."""

    verb = Verb.BACK
    text = N_("Back")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Show the picture before, with its buttons."""
        job = await job_of(interaction, self.job_id)
        line = await interaction.client.services.ledger.lineage(job.id, lineage.NEAREST + 1)
        if len(line) < 2:
            raise Refusal(_("What this picture came from is no longer kept, so there is no way back."))
        before = line[1].job
        if not await answers.acknowledge(interaction):
            return
        await require_sight(interaction, before)
        files = await files_again(interaction, before)
        view = buttons_of(before)
        if len(line) > 2:
            view.add_item(BackButton(before.id))
        told = lineage.breadcrumb(line[1:]) or lineage.named(line[1])
        how = _("To go on from here press Edit, or reply to v{number} itself.").format(number=line[1].number)
        said = f"{told}\n-# {how}"
        await interaction.followup.send(titles.status(before, said), files=files, view=view, ephemeral=True)
