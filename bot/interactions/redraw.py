"""Draws once more from a press or a modal: the new job shows itself as a reply to the message that was pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import access
from bot.admission import Entry
from bot.fronts import ReplyFront, is_thread, parent_of
from bot.ledger.job import Job
from flux2.request import GenerationRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot


def require_posting(interaction: discord.Interaction[Flux2Bot]) -> None:
    """Refuse where the bot could not answer with a picture."""
    access.require_posting(interaction.app_permissions, in_thread=is_thread(interaction.channel))


async def redraw(
    interaction: discord.Interaction[Flux2Bot],
    parent: Job,
    request: GenerationRequest,
    *,
    source: str,
    notes: tuple[str, ...] = (),
) -> None:
    """Admit `request` for the member who pressed. Raises Refusal where a cap is reached."""
    client = interaction.client
    assert interaction.channel_id is not None
    assert interaction.message is not None
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source=source,
        parent_id=parent.id,
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        request=request,
        notes=notes,
        file_size_limit=interaction.filesize_limit,
    )
    channel = client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
    front = ReplyFront(channel, interaction.message.id, parent_of(interaction.channel))
    await client.services.admission.admit(entry, front)
