"""/describe: a picture put into words that would draw it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands

from bot import answers, contexts
from bot.admission import Entry
from bot.answer_front import front_of
from bot.applicants import applicant_in
from bot.language import N_
from bot.ledger.job import Reach
from flux2.upsampling.request import DescribeRequest

if TYPE_CHECKING:
    from bot.client import Flux2Bot


@app_commands.command(description=N_("Put a picture into words that would draw it again."))
@app_commands.describe(
    image=N_("The picture."),
    upsample=N_("Who looks: a hosted model (openrouter), the model that draws (local), or whichever there is."),
    model=N_("Which model is to draw from the words."),
    private=N_("Only you see it; not possible while the wait is over 12 minutes."),
)
async def describe(
    interaction: discord.Interaction[Flux2Bot],
    image: discord.Attachment,
    upsample: Literal["auto", "local", "openrouter"] = "auto",
    model: app_commands.Range[str, 1, 100] | None = None,
    private: bool | None = None,
) -> None:
    """Check, acknowledge, find who can see, admit. Raises Refusal and InvalidRequest."""
    services = interaction.client.services
    if private is None:
        private = await services.shelf.draws_in_private(interaction.user.id)
    contexts.require_posting(interaction, private=private)
    reach = contexts.reach_of(interaction, private=private)
    services.attachments.check([image])
    if not await answers.acknowledge(interaction, ephemeral=reach is Reach.PRIVATE):
        return
    drawn_by = await services.offer.choose(model, services.gate.default_model(applicant_in(interaction)))
    route = await services.routes.for_pictures(upsample, drawn_by)
    references = await services.attachments.read([image])
    entry = Entry(
        idempotency_key=f"i{interaction.id}",
        source="describe",
        applicant=applicant_in(interaction),
        request=DescribeRequest(model=drawn_by.name, route=route, reference_images=references.pictures),
        notes=references.notes,
        file_size_limit=interaction.filesize_limit,
    )
    await services.admission.admit(entry, front_of(interaction, reach, opens_threads=False))


async def setup(bot: Flux2Bot) -> None:
    """Register the command."""
    bot.tree.add_command(describe)
