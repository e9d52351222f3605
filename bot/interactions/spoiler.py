"""Spoiler: hides the pictures of a message behind a click, or shows them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import access, answers
from bot.interactions.base import JobButton, job_of, note, pressed_under
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class SpoilerButton(JobButton, template=template(Verb.SPOILER)):
    """Stands behind More… for the picture's owner and admins."""

    verb = Verb.SPOILER
    text = N_("Spoiler")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Post the same files again in the same message, under names that Discord hides or shows."""
        job = await job_of(interaction, self.job_id)
        access.require_owner_of(job, interaction)
        if not await answers.acknowledge(interaction):
            return
        try:
            message = await pressed_under(interaction, job)
            hide = not all(attachment.is_spoiler() for attachment in message.attachments)
            files = [await attachment.to_file(spoiler=hide) for attachment in message.attachments]
            await message.edit(attachments=files)
        except discord.NotFound as gone:
            raise Refusal(_("That message is gone, so there is nothing to hide.")) from gone
        await note(interaction, job, "picture hide" if hide else "picture show")
        said = _("Hidden behind a click.") if hide else _("Shown again to everybody.")
        await interaction.followup.send(said, ephemeral=True)
