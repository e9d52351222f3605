"""Draws once more from a press or a modal: the new job shows itself as a reply to the message that was pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot import answers, contexts
from bot.admission import Entry
from bot.answer_front import AnswerFront
from bot.applicants import applicant_in
from bot.fronts import ReplyFront, parent_of
from bot.interactions.go_ahead import Answer, go_ahead
from bot.ledger.job import Job, Reach
from flux2.models import Model
from worker.contract import Request

if TYPE_CHECKING:
    from bot.client import Flux2Bot


def require_posting(interaction: discord.Interaction[Flux2Bot], job: Job) -> None:
    """Refuse where the bot could not answer with a picture that comes from `job`."""
    contexts.require_posting(interaction, private=job.is_private)


async def take(interaction: discord.Interaction[Flux2Bot], job: Job) -> bool:
    """Acknowledge a press or a form that draws from `job`; what came from a private picture stays private.

    Where only answers get through, with a placeholder. Raises Refusal as `require_posting`; False as `acknowledge`.
    """
    require_posting(interaction, job)
    reach = contexts.reach_of(interaction, private=job.is_private)
    if reach is not Reach.CHANNEL:
        answers.answer_anew(interaction)
    return await answers.acknowledge(interaction, ephemeral=reach is Reach.PRIVATE)


def _answered(interaction: discord.Interaction[Flux2Bot], parent: Job) -> int:
    """The message to reply to: what was pressed, or the parent's pictures where only the presser sees that."""
    assert interaction.message is not None
    is_private = interaction.message.flags.ephemeral
    if is_private and parent.result_message_id and parent.result_channel_id == interaction.channel_id:
        return parent.result_message_id
    return interaction.message.id


async def model_of(interaction: discord.Interaction[Flux2Bot], job: Job) -> Model:
    """The model that drew the job while a worker serves it, else the usual one; as it is offered here.

    Raises Refusal without one.
    """
    services = interaction.client.services
    live = await services.offer.look()
    own = job.request.model if job.request.model in live else None
    applicant = applicant_in(interaction)
    return await services.gate.offered(applicant, services.offer.pick(own, services.gate.default_model(applicant)))


async def redraw(
    interaction: discord.Interaction[Flux2Bot],
    parent: Job,
    request: Request,
    *,
    source: str,
    notes: tuple[str, ...] = (),
    asked: str = "",
) -> None:
    """Admit `request` for the member who pressed; acknowledge with `take`. Raises Refusal where a cap is reached.

    `asked` is what a member wrote for its prompt; the same prompt is still the parent's words.
    """
    client, applicant = interaction.client, applicant_in(interaction)
    if not await go_ahead(client, applicant, request, Answer(interaction), parent.request):
        return
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source=source,
        parent_id=parent.id,
        applicant=applicant,
        request=request,
        asked=asked or (parent.asked if request.prompt == parent.request.prompt else ""),
        notes=notes,
        file_size_limit=interaction.filesize_limit,
    )
    await client.services.admission.admit(entry, _front(interaction, parent))


def _front(interaction: discord.Interaction[Flux2Bot], parent: Job) -> AnswerFront | ReplyFront:
    reach = contexts.reach_of(interaction, private=parent.is_private)
    if reach is not Reach.CHANNEL:
        return AnswerFront(interaction, reach)
    assert interaction.channel_id is not None
    channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
    return ReplyFront(channel, _answered(interaction, parent), parent_of(interaction.channel))
