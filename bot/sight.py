"""Whether a member may be shown a picture again: their own, and what they can still see where it was posted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import access
from bot.language import _
from bot.ledger.job import Job
from bot.message_links import Link
from bot.refusal import Refusal

if TYPE_CHECKING:
    from bot.client import Flux2Bot


async def may_see(interaction: discord.Interaction[Flux2Bot], job: Job) -> bool:
    """Whether the member drew it, looks after its server, or sees the message it was posted in."""
    if access.may_look_at(job, interaction):
        return True
    if job.is_private:
        return False
    if job.result_channel_id is None or job.result_message_id is None:
        return False
    posted = Link(0, 0, job.result_channel_id, job.guild_id, job.result_message_id)
    try:
        await interaction.client.services.links.open(posted, interaction.user)
    except Refusal:
        return False
    return True


async def require_sight(interaction: discord.Interaction[Flux2Bot], job: Job) -> None:
    """Refuse a picture whose message was taken away, or lies where the member cannot look."""
    if not await may_see(interaction, job):
        raise Refusal(
            _(
                "That picture is another member's, and its message is gone or in a channel you cannot see; "
                "ask them to post it here with /history."
            )
        )
