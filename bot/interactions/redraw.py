"""Draws once more from a press or a modal: the new job shows itself as a reply to the message that was pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import contexts
from bot.admission import Entry
from bot.applicants import applicant_in
from bot.fronts import ReplyFront, parent_of
from bot.ledger.job import Job
from worker.contract import Request

if TYPE_CHECKING:
    from bot.client import Flux2Bot


def require_posting(interaction: discord.Interaction[Flux2Bot]) -> None:
    """Refuse where the bot could not answer with a picture."""
    contexts.require_posting(interaction)


def _answered(interaction: discord.Interaction[Flux2Bot], parent: Job) -> int:
    """The message to reply to: what was pressed, or the parent's pictures where only the presser sees that."""
    assert interaction.message is not None
    is_private = interaction.message.flags.ephemeral
    if is_private and parent.result_message_id and parent.result_channel_id == interaction.channel_id:
        return parent.result_message_id
    return interaction.message.id


async def redraw(
    interaction: discord.Interaction[Flux2Bot],
    parent: Job,
    request: Request,
    *,
    source: str,
    notes: tuple[str, ...] = (),
) -> None:
    """Admit `request` for the member who pressed. Raises Refusal where a cap is reached."""
    client = interaction.client
    assert interaction.channel_id is not None
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source=source,
        parent_id=parent.id,
        applicant=applicant_in(interaction),
        request=request,
        notes=notes,
        file_size_limit=interaction.filesize_limit,
    )
    channel = client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
    front = ReplyFront(channel, _answered(interaction, parent), parent_of(interaction.channel))
    await client.services.admission.admit(entry, front)
