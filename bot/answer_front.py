"""Where a job shows itself that only answers to its interaction can bring to the member.

The placeholder becomes the status message, a follow-up the result: no thread, no reply, and 15 minutes for all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import answers
from bot.admission import channel_itself
from bot.fronts import SlashFront, colours
from bot.interactions.cancel import cancel_view
from bot.ledger.job import Job, Reach, Status
from bot.policy import Threads
from worker.contract import Destination

if TYPE_CHECKING:
    from bot.client import Flux2Bot


class AnswerFront:
    """An acknowledged interaction with a placeholder of its own."""

    def __init__(self, interaction: discord.Interaction[Flux2Bot], reach: Reach) -> None:
        """`reach` is ANSWER or PRIVATE."""
        self._interaction = interaction
        # A server without the bot can keep the answers of members' own apps from everybody else.
        self._reach = Reach.PRIVATE if answers.is_alone(interaction) else reach

    def agree(self, threads: Threads) -> None:
        """Nothing to agree on: there are no threads here."""

    def placeholder(self) -> Status:
        """The deferred answer."""
        interaction = self._interaction
        assert interaction.channel_id is not None
        return Status(
            channel_id=interaction.channel_id,
            # Never asked for by its id: only the token gets at it.
            message_id=answers.placeholder_id(interaction) or interaction.id,
            interaction_token=interaction.token,
            token_expires_at=interaction.expires_at,
            application_id=interaction.application_id,
            reach=self._reach,
        )

    async def open(self, job: Job, text: str) -> tuple[Destination, Status]:
        """Show `text`. Raises discord's errors where the placeholder is gone."""
        await self._interaction.edit_original_response(
            content=text, view=cancel_view(job.id), attachments=await colours(job)
        )
        return self.plain(job), self.placeholder()

    def plain(self, job: Job) -> Destination:
        """A follow-up; `guild_id` is the server it is seen in, though its rules are none of ours."""
        return channel_itself(job).model_copy(update={"guild_id": self._interaction.guild_id})


def front_of(
    interaction: discord.Interaction[Flux2Bot], reach: Reach, *, opens_threads: bool = True
) -> SlashFront | AnswerFront:
    """Where a command's job shows itself, by how far the bot gets from there."""
    if reach is Reach.CHANNEL:
        return SlashFront(interaction, opens_threads=opens_threads)
    return AnswerFront(interaction, reach)
