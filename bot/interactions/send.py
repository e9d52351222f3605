"""DM me: the pictures by direct message, for whoever presses it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord

from bot import answers, titles
from bot.interactions.base import JobButton, job_of
from bot.interactions.custom_id import Verb, template
from bot.language import N_, _
from bot.pictures import files_of
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class SendButton(JobButton, template=template(Verb.SEND)):
    """Stands behind More…"""

    verb = Verb.SEND
    text = N_("DM me")

    async def act(self, interaction: discord.Interaction[Flux2Bot]) -> None:
        """Send the files, or say why not."""
        job = await job_of(interaction, self.job_id)
        if not await answers.acknowledge(interaction):
            return
        if sum(picture.size_bytes for picture in job.pictures) > discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES:
            raise Refusal(_("The pictures are too large for a direct message; save them from the channel."))
        files = await asyncio.to_thread(files_of, job, interaction.client.services.blobs)
        # With the buttons, which say whose picture it is: a reply to it is an edit there, too.
        from bot.interactions.show import buttons_of

        try:
            await interaction.user.send(titles.of(job, 200), files=files, view=buttons_of(job))
        except discord.Forbidden as closed:
            raise Refusal(
                _("I may not write to you; allow direct messages in this server's privacy settings and press again.")
            ) from closed
        await interaction.followup.send(_("Sent; look into your direct messages."), ephemeral=True)
